//! Opening sessions on a real server.

use model::DatabaseLocation;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{connector, credentials, database, encrypting_server, location, open, session, unique};
use postgres_room::{ConnectError, Connector, Database, QueryError, SessionOptions};

async fn failure(connector: &Connector) -> ConnectError {
    connector.connect(&SessionOptions::default()).await.unwrap_err()
}

#[tokio::test]
async fn a_session_of_ours_cannot_write_and_says_whose_it_is() {
    let location = database(&unique("plain"), "create table t (a int)").await;
    let database = open(&location).await;
    let refused = database
        .client()
        .batch_execute("insert into t values (1)")
        .await
        .unwrap_err();
    assert_eq!(
        refused.code(),
        Some(&tokio_postgres::error::SqlState::READ_ONLY_SQL_TRANSACTION)
    );
    let row = database
        .client()
        .query_one(
            "select current_setting('application_name'), current_setting('statement_timeout')",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "safe-upgrade/test");
    assert_eq!(row.get::<_, &str>(1), "5s");
}

#[tokio::test]
async fn a_wrong_password_is_said_so_and_never_shown() {
    let location = database(&unique("locked"), "").await;
    let wrong = Connector::direct(&location, &credentials("postgres", "hush"), "test");
    let error = failure(&wrong).await;
    assert!(
        matches!(&error, ConnectError::WrongPassword { user } if user == "postgres"),
        "{error:?}"
    );
    assert!(!format!("{error:?} {wrong:?}").contains("hush"));
}

#[tokio::test]
async fn a_missing_password_is_said_so() {
    let location = database(&unique("locked"), "").await;
    let none = postgres_room::Credentials {
        user: "postgres".into(),
        password: None,
    };
    let error = failure(&Connector::direct(&location, &none, "test")).await;
    assert!(matches!(error, ConnectError::NoPassword { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unknown_database_is_said_so() {
    let error = failure(&connector(&location("dbname=postgres host=evil", "postgres"))).await;
    assert!(
        matches!(&error, ConnectError::UnknownDatabase { database } if database == "dbname=postgres host=evil"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_closed_database_lets_nobody_in() {
    let name = unique("closed");
    let location = database(&name, "").await;
    session("postgres", "t")
        .await
        .batch_execute(&format!("alter database {name} allow_connections false"))
        .await
        .unwrap();
    let error = failure(&connector(&location)).await;
    assert!(matches!(error, ConnectError::NotAllowed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_dead_address_and_a_word_that_is_no_sslmode_are_said_so() {
    let mut location = database(&unique("gone"), "").await;
    location.sslmode = Some("verify_full".into());
    assert!(matches!(
        failure(&connector(&location)).await,
        ConnectError::SslMode
    ));
    location.sslmode = None;
    location.port = 1;
    assert!(matches!(
        failure(&connector(&location)).await,
        ConnectError::Unreachable { .. }
    ));
}

#[tokio::test]
async fn encryption_that_is_required_is_not_given_up() {
    let mut location = database(&unique("plain"), "").await;
    for mode in ["require", "verify-ca", "verify-full"] {
        location.sslmode = Some(mode.into());
        let error = failure(&connector(&location)).await;
        assert!(matches!(error, ConnectError::Tls { .. }), "{mode}: {error:?}");
    }
    for mode in ["prefer", "allow", "disable"] {
        location.sslmode = Some(mode.into());
        open(&location).await;
    }
}

#[tokio::test]
async fn a_socket_of_this_machine_is_an_address() {
    let mut location = database(&unique("socket"), "").await;
    location.host = crate::support::server().socket.display().to_string();
    open(&location).await;
}

#[tokio::test]
async fn names_with_everything_in_them_are_only_names() {
    for name in ["we\"ird; drop", "dbname=x host=evil", "a b", "100%s", "ünï'cöde"] {
        let location = database(name, "create table t (a int)").await;
        let database = open(&location).await;
        let row = database
            .client()
            .query_one("select current_database()::text", &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, &str>(0), name);
    }
}

#[tokio::test]
async fn a_profile_question_is_answered_by_rows_and_cannot_be_two_statements() {
    let location = database(
        &unique("busy"),
        "create table jobs (a int); insert into jobs values (1)",
    )
    .await;
    let database: Database = open(&location).await;
    assert!(
        !database
            .returns_no_row("select 1 from jobs where a = 1")
            .await
            .unwrap()
    );
    assert!(
        database
            .returns_no_row("select 1 from jobs where a = 2")
            .await
            .unwrap()
    );
    let error: QueryError = database
        .returns_no_row("set default_transaction_read_only = off; delete from jobs")
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::SYNTAX_ERROR));
}

#[tokio::test]
async fn an_unknown_certificate_encrypts_and_never_passes_for_a_known_one() {
    let mut location = location("postgres", "postgres");
    location.port = encrypting_server().port;
    for (mode, encrypted) in [("require", true), ("prefer", true), ("disable", false)] {
        location.sslmode = Some(mode.into());
        let database = open(&location).await;
        let row = database
            .client()
            .query_one("select ssl from pg_stat_ssl where pid = pg_backend_pid()", &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, bool>(0), encrypted, "{mode}");
    }
    for mode in ["verify-ca", "verify-full"] {
        location.sslmode = Some(mode.into());
        let error = failure(&connector(&location)).await;
        let text = model::causes(&error);
        assert!(
            matches!(error, ConnectError::Tls { .. }) && text.contains("certificate"),
            "{mode}: {text}"
        );
    }
}

/// A server that answers every start with one error.
async fn refusing_with(code: &str, message: &str) -> DatabaseLocation {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut location = location("shop", "app");
    location.port = listener.local_addr().unwrap().port();
    location.sslmode = Some("disable".into());
    let fields = format!("SFATAL\0C{code}\0M{message}\0\0");
    let mut answer = vec![b'E'];
    answer.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
    answer.extend(fields.as_bytes());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut start = [0; 1024];
            let _ = client.read(&mut start).await;
            let _ = client.write_all(&answer).await;
        }
    });
    location
}

#[tokio::test]
async fn a_server_that_is_starting_or_full_is_worth_waiting_for() {
    let starting = refusing_with("57P03", "the database system is starting up").await;
    let error = failure(&connector(&starting)).await;
    assert!(
        matches!(&error, ConnectError::NotReady { message } if message.ends_with("starting up")),
        "{error:?}"
    );
    assert!(error.is_passing());
    let full = refusing_with("53300", "sorry, too many clients already").await;
    let error = failure(&connector(&full)).await;
    assert!(matches!(error, ConnectError::TooManyConnections { .. }) && error.is_passing());
    let shut = refusing_with("28000", "no pg_hba.conf entry for host").await;
    let error = failure(&connector(&shut)).await;
    assert!(matches!(error, ConnectError::NotAllowed { .. }) && !error.is_passing());
}

//! Opening sessions on a real server.

use crate::support::{connector, credentials, database, location, open, session, unique};
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

//! Statements of others, asked of a real server.

use postgres_room::{Answer, AskedAs, Said, question};

use crate::support::{database, location, open, quoted, session, unique};

const ORDERS: &str = "create table orders (total int); insert into orders values (1), (41)";

async fn ask(database: &postgres_room::Database, sql: &str) -> Answer {
    question(database, sql, AskedAs::Reader).await.unwrap()
}

#[tokio::test]
async fn a_question_is_answered_with_its_evidence() {
    let place = database(&unique("asked"), ORDERS).await;
    let database = open(&place).await;
    let answer = ask(
        &database,
        "select max(total) > 40, count(*) as orders, max(total) as largest from orders -- of all time",
    )
    .await;
    assert_eq!(answer.said, Said::Yes);
    assert_eq!(answer.words, "true, orders = 2, largest = 41");
    assert_eq!(
        ask(&database, "select max(total) > 100 from orders").await.said,
        Said::No
    );
}

#[tokio::test]
async fn what_says_neither_true_nor_false_is_neither() {
    let place = database(&unique("neither"), ORDERS).await;
    let database = open(&place).await;
    for (sql, said) in [
        ("select null::boolean", Said::Neither),
        ("select true from orders", Said::Neither),
        ("select true from orders where false", Said::Neither),
        ("select 1", Said::NoQuestion),
    ] {
        assert_eq!(ask(&database, sql).await.said, said, "{sql}");
    }
}

#[tokio::test]
async fn nothing_can_be_written_or_left_behind() {
    let place = database(&unique("written"), &format!("{ORDERS}; create sequence numbers")).await;
    let database = open(&place).await;
    for sql in [
        "insert into orders values (2) returning true",
        "with gone as (delete from orders returning true) select * from gone",
        "select true; delete from orders",
        "copy (select true) to program 'true'",
        "commit",
        "select nextval('numbers') > 0",
        "select set_config('transaction_read_only', 'off', true) is not null",
    ] {
        let answer = ask(&database, sql).await;
        assert!(
            matches!(answer.said, Said::Refused(_) | Said::NoQuestion),
            "{sql}: {answer:?}"
        );
    }
    let rows = database
        .client()
        .query_one("select count(*) from orders", &[])
        .await
        .unwrap();
    assert_eq!(rows.get::<_, i64>(0), 2);
}

#[tokio::test]
async fn a_superuser_asks_as_one_who_may_only_read() {
    let place = database(&unique("super"), ORDERS).await;
    let database = open(&place).await;
    let answer = ask(&database, "select count(*) > 0 from orders").await;
    assert_eq!(answer.said, Said::Yes, "what may be read is read: {answer:?}");
    for sql in [
        "select pg_read_file('postgresql.conf') is not null",
        "select pg_reload_conf()",
    ] {
        let answer = ask(&database, sql).await;
        assert!(answer.lacks_a_right(), "{sql}: {answer:?}");
    }
    let itself = question(&database, "select count(*) > 0 from pg_authid", AskedAs::Itself).await;
    assert_eq!(
        itself.unwrap().said,
        Said::Yes,
        "who asks as itself keeps its rights"
    );
}

#[tokio::test]
async fn a_superuser_finds_what_lies_in_the_schema_of_its_own_name() {
    let name = unique("own_schema");
    let role = unique("Owner");
    let made = format!(
        "create role {role} superuser login password 'correct horse'; create schema authorization {role}; \
         create table {role}.orders (total int); insert into {role}.orders values (1); \
         create table public.bills (total int)",
        role = quoted(&role)
    );
    database(&name, &made).await;
    let database = open(&location(&name, &role)).await;
    for sql in [
        "select to_regclass('orders') is not null",
        "select count(*) = 1 from orders",
        "select to_regclass('bills') is not null",
        "select current_user = 'pg_read_all_data'",
    ] {
        let answer = ask(&database, sql).await;
        assert_eq!(answer.said, Said::Yes, "{sql}: {answer:?}");
    }
}

#[tokio::test]
async fn a_missing_right_and_a_hidden_row_are_told() {
    let name = unique("rights");
    let role = unique("asker");
    database(
        &name,
        "create table secrets (a int); create table own (a int); insert into own values (1); \
         alter table own enable row level security",
    )
    .await;
    let admin = session(&name, "t").await;
    admin
        .batch_execute(&format!(
            "create role {role} login password 'correct horse'; grant select on own to {}",
            quoted(&role)
        ))
        .await
        .unwrap();
    let database = open(&location(&name, &role)).await;
    let answer = ask(&database, "select count(*) > 0 from secrets").await;
    assert!(answer.lacks_a_right(), "{answer:?}");
    assert!(answer.words.contains("secrets"), "{answer:?}");
    // Without a policy that lets it through the row would be left out, and nothing would seem to be there.
    let answer = ask(&database, "select count(*) > 0 from own").await;
    assert!(
        answer.lacks_a_right() && answer.words.contains("row-level security"),
        "{answer:?}"
    );
    let answer = ask(&database, "select count(*) > 0 from nowhere").await;
    assert!(matches!(answer.said, Said::Refused(_)), "{answer:?}");
    assert!(answer.words.contains("nowhere"), "{answer:?}");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cut_off_and_the_session_goes_on() {
    let place = database(&unique("long"), ORDERS).await;
    let database = open(&place).await;
    database
        .client()
        .batch_execute("set statement_timeout = 100")
        .await
        .unwrap();
    let answer = ask(&database, "select pg_sleep(3600) is null").await;
    assert!(matches!(answer.said, Said::Refused(_)), "{answer:?}");
    assert_eq!(ask(&database, "select true").await.said, Said::Yes);
}

#[tokio::test]
async fn a_session_that_the_statement_ends_is_an_error() {
    let place = database(&unique("ended"), ORDERS).await;
    let database = open(&place).await;
    let sql = "select pg_terminate_backend(pg_backend_pid())";
    let error = question(&database, sql, AskedAs::Itself).await.unwrap_err();
    assert!(error.code().is_some() || error.is_closed(), "{error:?}");
}

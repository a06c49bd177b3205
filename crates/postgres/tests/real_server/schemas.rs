//! Comparing real databases.

use crate::support::{connector, database, location, open, run, session, unique};
use postgres_room::{Snapshot, extensions, owners, row_counts, schema_hash, settings};

/// A schema with one of everything, and with what a dump prints in another spelling.
const EVERYTHING: &str = r#"
create extension pgcrypto;
create schema "My Shop";
create type "My Shop".mood as enum ('fine', 'so so');
create domain positive as int check (value > 0);
create function "My Shop".twice(a int) returns int language sql immutable as $$ select a * 2 $$;
create table "My Shop"."Orders" (
    id bigint generated always as identity primary key,
    gone int,
    state varchar(20) not null default 'new' check (state in ('new', 'paid', 'sent')),
    mood "My Shop".mood,
    amount positive,
    twice int generated always as (amount * 2) stored,
    at timestamptz default now()
);
alter table "My Shop"."Orders" drop column gone;
create index on "My Shop"."Orders" ("My Shop".twice(amount)) where state in ('new', 'paid');
create table lines (id serial primary key, "order" bigint references "My Shop"."Orders");
create table parts (day date not null, n int) partition by range (day);
create table parts_2026 partition of parts for values from ('2026-01-01') to ('2027-01-01');
create view paid as select id, state from "My Shop"."Orders" where state in ('paid', 'sent');
create materialized view sums as select count(*) from lines;
create function touch() returns trigger language plpgsql as $$ begin new."order" := new."order"; return new; end $$;
create trigger touch before insert on lines for each row execute function touch();
create policy p on lines using ("order" > 0);
create aggregate total (int) (sfunc = int4pl, stype = int, initcond = '0');
insert into "My Shop"."Orders" (state, amount) values ('new', 1), ('paid', 2), ('sent', 3);
insert into lines ("order") values (1), (2);
insert into parts values ('2026-05-05', 1);
"#;

#[tokio::test]
async fn a_dump_and_restore_keeps_the_hash_and_any_change_breaks_it() {
    let original = database(&unique("original"), EVERYTHING).await;
    let copy = database(&unique("copy"), "").await;
    let dump = run("pg_dump", &["-Fc", "-d", &original.database], None);
    run("pg_restore", &["-e", "-d", &copy.database], Some(&dump));
    let before = schema_hash(&open(&original).await).await.unwrap();
    assert_eq!(before, schema_hash(&open(&copy).await).await.unwrap());

    let mut last = before;
    for change in [
        "alter table lines add note text",
        "alter table lines alter note set default 'a b'",
        "alter table lines alter note set default 'ab'",
        "update lines set note = ''; alter table lines alter note set not null",
        "create index on lines (note)",
        "alter table lines add constraint short check (length(note) < 9) not valid",
        "alter table lines validate constraint short",
        "alter type \"My Shop\".mood add value 'great'",
        "create or replace function \"My Shop\".twice(a int) returns int language sql immutable as $$ select a * 3 $$",
        "create or replace view paid as select id, state from \"My Shop\".\"Orders\" where state = 'paid'",
        "alter sequence lines_id_seq increment by 2",
        "drop trigger touch on lines",
        "alter table lines rename note to remark",
        "alter table lines alter remark type varchar(30)",
        "alter table lines enable row level security",
    ] {
        session(&copy.database, "t")
            .await
            .batch_execute(change)
            .await
            .unwrap();
        let hash = schema_hash(&open(&copy).await).await.unwrap();
        assert_ne!(hash, last, "{change}");
        last = hash;
    }
}

#[tokio::test]
async fn counts_belong_to_the_snapshot_that_a_dump_shares() {
    let location = database(&unique("counted"), EVERYTHING).await;
    let snapshot = Snapshot::open(&connector(&location), None).await.unwrap();
    session(&location.database, "web")
        .await
        .batch_execute("insert into lines (\"order\") values (3)")
        .await
        .unwrap();
    let counts = async |database: &postgres_room::Database| {
        row_counts(database)
            .await
            .unwrap()
            .into_iter()
            .map(|rows| (rows.table, rows.rows))
            .collect::<Vec<_>>()
    };
    let expected = |lines: i64| {
        vec![
            ("\"My Shop\".\"Orders\"".to_owned(), 3),
            ("public.lines".to_owned(), lines),
            ("public.parts_2026".to_owned(), 1),
        ]
    };
    assert_eq!(counts(snapshot.database()).await, expected(2));
    assert_eq!(counts(&open(&location).await).await, expected(3));
    let dump = run(
        "pg_dump",
        &[
            "--data-only",
            "--snapshot",
            snapshot.id(),
            "-t",
            "public.lines",
            "--inserts",
            "-d",
            &location.database,
        ],
        None,
    );
    assert_eq!(
        String::from_utf8(dump)
            .unwrap()
            .matches("INSERT INTO public.lines")
            .count(),
        2
    );
    assert_eq!(
        schema_hash(snapshot.database()).await.unwrap(),
        schema_hash(&open(&location).await).await.unwrap()
    );
    snapshot.close().await.unwrap();
}

#[tokio::test]
async fn rows_hidden_by_a_policy_are_an_error_and_not_a_smaller_count() {
    let role = unique("limited");
    let name = unique("policed");
    database(
        &name,
        "create table t (a int); insert into t values (1), (2); alter table t enable row level security; \
                     create policy p on t using (a = 1)",
    )
    .await;
    session(&name, "t")
        .await
        .batch_execute(&format!(
            "create role {role} login password 'correct horse'; grant select on t to {role}"
        ))
        .await
        .unwrap();
    let error = row_counts(&open(&location(&name, &role)).await)
        .await
        .unwrap_err();
    assert!(
        model::causes(&error).contains("row-level security"),
        "{}",
        model::causes(&error)
    );
}

#[tokio::test]
async fn what_a_dump_leaves_out_is_read() {
    let name = unique("settled");
    let role = unique("owner");
    let location = database(&name, EVERYTHING).await;
    session(&name, "t").await
        .batch_execute(&format!(
            "create role {role}; alter table lines owner to {role}; alter database {name} set search_path = a, \"b c\"; \
             alter role {role} in database {name} set work_mem = '8MB'"
        ))
        .await
        .unwrap();
    let database = open(&location).await;
    assert_eq!(
        owners(&database).await.unwrap(),
        [role.clone(), "postgres".to_owned()]
    );
    assert_eq!(
        settings(&database).await.unwrap(),
        [
            format!("{role}: work_mem=8MB"),
            "search_path=a, \"b c\"".to_owned()
        ]
    );
    assert!(extensions(&database).await.unwrap().contains_key("pgcrypto"));
}

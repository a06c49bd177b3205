//! Creating, swapping and dropping real databases as a role of the server.

use crate::support::{connector, credentials, database, location, open, quoted, session, unique};
use postgres_room::{Admin, AdminError, Connector, RestoreName, Swap, settings};

async fn content(name: &str) -> String {
    session(name, "t")
        .await
        .query_one("select a from t", &[])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn hostile_names_are_swapped_and_swapped_back() {
    for name in [
        "we\"ird; drop",
        "dbname=x host=evil",
        "a b c",
        "100%s \\",
        "ünï'cöde",
        "postgres -c",
    ] {
        let name = unique(name);
        let name = name.as_str();
        let live = database(name, "create table t (a text); insert into t values ('old')").await;
        let admin = Admin::open(&connector(&live)).await.unwrap();
        let restored = RestoreName::new(name, "r1");
        admin.create_database_like(&restored, name).await.unwrap();
        let filling = session(restored.as_str(), "fill").await;
        filling
            .batch_execute("create table t (a text); insert into t values ('new')")
            .await
            .unwrap();
        let kept = RestoreName::kept_name(name, "r1");
        let swap = Swap {
            live: name.into(),
            incoming: restored.as_str().into(),
            keep_as: kept.clone(),
        };
        // A client that hangs on to the database is in the way and is ended.
        let client = session(name, "web").await;
        admin.swap(&swap).await.unwrap();
        assert!(client.batch_execute("select 1").await.is_err(), "{name}");
        assert_eq!(
            (content(name).await, content(&kept).await),
            ("new".into(), "old".into()),
            "{name}"
        );
        // Twice is once.
        admin.swap(&swap).await.unwrap();
        assert_eq!(content(name).await, "new", "{name}");
        let back = Swap {
            live: name.into(),
            incoming: kept,
            keep_as: RestoreName::kept_name(name, "u1"),
        };
        admin.swap(&back).await.unwrap();
        assert_eq!(content(name).await, "old", "{name}");
    }
}

#[tokio::test]
async fn a_swap_that_cannot_be_leaves_both_open_under_their_names() {
    let name = unique("whole");
    let live = database(&name, "create table t (a text); insert into t values ('old')").await;
    let admin = Admin::open(&connector(&live)).await.unwrap();
    let restored = RestoreName::new(&name, "r1");
    let swap = |incoming: &str, keep: &str| Swap {
        live: name.clone(),
        incoming: incoming.into(),
        keep_as: keep.into(),
    };
    let kept = RestoreName::kept_name(&name, "r1");
    let missing = admin.swap(&swap(restored.as_str(), &kept)).await.unwrap_err();
    assert!(matches!(missing, AdminError::Missing { .. }), "{missing:?}");
    admin.create_database_like(&restored, &name).await.unwrap();
    let forbidden = admin
        .swap(&swap(restored.as_str(), RestoreName::new(&name, "r2").as_str()))
        .await
        .unwrap_err();
    assert!(matches!(forbidden, AdminError::NotOurs { .. }), "{forbidden:?}");
    // A prepared transaction keeps a database from being renamed; no session can be ended to help that.
    let gid = unique("gid");
    let xa = session(&name, "xa").await;
    xa.batch_execute(&format!(
        "begin; insert into t values ('x'); prepare transaction '{gid}'"
    ))
    .await
    .unwrap();
    let refused = admin.swap(&swap(restored.as_str(), &kept)).await.unwrap_err();
    assert!(matches!(refused, AdminError::Query(_)), "{refused:?}");
    assert_eq!(content(&name).await, "old");
    session(restored.as_str(), "t").await;
    session(&name, "t")
        .await
        .batch_execute(&format!("rollback prepared '{gid}'"))
        .await
        .unwrap();
    admin.swap(&swap(restored.as_str(), &kept)).await.unwrap();
}

#[tokio::test]
async fn only_restores_that_were_never_used_are_dropped() {
    let name = unique("kept");
    let live = database(&name, "").await;
    let admin = Admin::open(&connector(&live)).await.unwrap();
    let restored = RestoreName::new(&name, "r1");
    admin.create_database_like(&restored, &name).await.unwrap();
    let taken = admin.create_database_like(&restored, &name).await.unwrap_err();
    assert!(matches!(taken, AdminError::Taken { .. }), "{taken:?}");
    let _left_over = session(restored.as_str(), "pg_restore").await;
    admin.drop_restore(&restored).await.unwrap();
    admin.drop_restore(&restored).await.unwrap();
    let names: Vec<String> = admin
        .databases()
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    assert!(names.contains(&name) && !names.contains(&restored.as_str().to_owned()));
}

#[tokio::test]
async fn what_belongs_to_the_database_goes_over() {
    let name = unique("proper");
    let role = unique("guest \"x");
    let live = database(&name, "").await;
    let guest = quoted(&role);
    session(&name, "t")
        .await
        .batch_execute(&format!(
            "create role {guest}; alter database {name} set search_path = a, \"b c\"; \
             alter database {name} set \"app.tenant\" = 'it''s; x'; \
             alter role {guest} in database {name} set work_mem = '8MB'; \
             alter database {name} connection limit 17; comment on database {name} is 'it''s \\ ours'; \
             revoke all on database {name} from public; grant connect on database {name} to {guest} with grant option"
        ))
        .await
        .unwrap();
    let admin = Admin::open(&connector(&live)).await.unwrap();
    let restored = RestoreName::new(&name, "r1");
    admin.create_database_like(&restored, &name).await.unwrap();
    admin.copy_properties(&name, restored.as_str()).await.unwrap();
    admin.copy_properties(&name, restored.as_str()).await.unwrap();
    let copy = location(restored.as_str(), "postgres");
    assert_eq!(
        settings(&open(&copy).await).await.unwrap(),
        settings(&open(&live).await).await.unwrap()
    );
    assert_eq!(settings(&open(&copy).await).await.unwrap().len(), 3);
    let row = session("postgres", "t")
        .await
        .query_one(
            "select a.datconnlimit = b.datconnlimit, a.datacl::text = b.datacl::text, a.datcollate = b.datcollate, \
                    shobj_description(a.oid, 'pg_database') = shobj_description(b.oid, 'pg_database'), b.datdba = a.datdba \
             from pg_database a, pg_database b where a.datname = $1 and b.datname = $2",
            &[&name, &restored.as_str()],
        )
        .await
        .unwrap();
    for column in 0..5 {
        assert!(row.get::<_, bool>(column), "column {column}");
    }
}

#[tokio::test]
async fn a_role_with_createdb_that_owns_the_database_may_swap_and_another_may_not() {
    let owner = unique("owner");
    let other = unique("other");
    let name = unique("owned");
    database(&name, "").await;
    session("postgres", "t")
        .await
        .batch_execute(&format!(
            "create role {owner} login createdb password 'correct horse'; alter database {name} owner to {owner}; \
             create role {other} login createdb password 'correct horse'"
        ))
        .await
        .unwrap();
    let may = connector(&location(&name, &owner));
    let admin = Admin::open(&may).await.unwrap();
    assert_eq!(admin.identity(), format!("role {owner}"));
    let restored = RestoreName::new(&name, "r1");
    admin.create_database_like(&restored, &name).await.unwrap();
    let swap = Swap {
        live: name.clone(),
        incoming: restored.as_str().into(),
        keep_as: RestoreName::kept_name(&name, "r1"),
    };
    admin.swap(&swap).await.unwrap();
    let may_not = Admin::open(&connector(&location(&name, &other)))
        .await
        .unwrap_err();
    assert!(
        matches!(&may_not, AdminError::NoIdentity { reasons } if reasons.len() == 1),
        "{may_not:?}"
    );
    let wrong = Connector::direct(&location(&name, &owner), &credentials(&owner, "hush"), "test");
    assert!(!model::causes(&Admin::open(&wrong).await.unwrap_err()).contains("hush"));
}

#[tokio::test]
async fn only_the_sessions_named_are_ended_and_ours_are_marked() {
    let name = unique("ended");
    let live = database(&name, "").await;
    let stays = session(&name, "stays").await;
    let goes = session(&name, "goes").await;
    let elsewhere = session("postgres", "elsewhere").await;
    let pid = async |client: &tokio_postgres::Client| -> i32 {
        client
            .query_one("select pg_backend_pid()", &[])
            .await
            .unwrap()
            .get(0)
    };
    let pids = [pid(&goes).await, pid(&elsewhere).await];
    let admin = Admin::open(&connector(&live)).await.unwrap();
    let ended = admin.terminate(&name, &pids).await.unwrap();
    assert_eq!(
        ended
            .iter()
            .map(|session| session.application.as_str())
            .collect::<Vec<_>>(),
        ["goes"]
    );
    assert!(
        elsewhere.batch_execute("select 1").await.is_ok() && stays.batch_execute("select 1").await.is_ok()
    );
    let _ours = open(&live).await;
    let ended = admin.terminate_sessions(&name).await.unwrap();
    let ours: Vec<&str> = ended
        .iter()
        .filter(|session| session.ours)
        .map(|s| s.application.as_str())
        .collect();
    assert_eq!(ours, ["safe-upgrade/test"]);
}

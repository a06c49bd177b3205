//! Which way to take.

use thiserror::Error;

use super::Route;

/// A way and what stands in it, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) route: Route,
    pub(super) obstacle: Option<String>,
}

/// A way that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) route: Route,
    /// Why this one, for the user.
    pub(super) reason: String,
}

/// No way can be taken.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("no route to the client programs of the server: {}", obstacles.join("; "))]
pub struct NoRoute {
    /// Each way with what stands in it.
    obstacles: Vec<String>,
}

/// Chooses the one that is wanted, else the first that nothing stands in. `ways` are in the order of preference.
pub(super) fn choose(ways: &[Way], wanted: Option<Route>) -> Result<Choice, NoRoute> {
    let told = |way: &Way| {
        let obstacle = way.obstacle.as_deref()?;
        Some(format!("{}: {obstacle}", way.route.word()))
    };
    if let Some(wanted) = wanted {
        return match ways.iter().find(|way| way.route == wanted) {
            Some(way) if way.obstacle.is_none() => Ok(Choice {
                route: wanted,
                reason: "as asked".into(),
            }),
            Some(way) => Err(NoRoute {
                obstacles: told(way).into_iter().collect(),
            }),
            None => Err(NoRoute {
                obstacles: vec![format!(
                    "{}: the database is not reached that way, but by {}",
                    wanted.word(),
                    ways.iter()
                        .map(|way| way.route.word())
                        .collect::<Vec<_>>()
                        .join(", ")
                )],
            }),
        };
    }
    let free = ways.iter().position(|way| way.obstacle.is_none());
    let before: Vec<String> = ways[..free.unwrap_or(ways.len())]
        .iter()
        .filter_map(told)
        .collect();
    match free {
        Some(index) => Ok(Choice {
            route: ways[index].route,
            reason: if before.is_empty() {
                merit(ways[index].route).into()
            } else {
                format!("not {}", before.join("; not "))
            },
        }),
        None => Err(NoRoute { obstacles: before }),
    }
}

/// What speaks for a way that is the first choice.
fn merit(route: Route) -> &'static str {
    match route {
        Route::Exec => "the server's own programs, beside the data",
        Route::Job => "the server's own programs, beside the server",
        Route::PortForward => "the programs of this machine, through the API server",
        Route::Direct => "the server is reached by its address, with the programs of this machine",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(exec: Option<&str>, job: Option<&str>, forward: Option<&str>) -> Vec<Way> {
        [
            (Route::Exec, exec),
            (Route::Job, job),
            (Route::PortForward, forward),
        ]
        .map(|(route, obstacle)| Way {
            route,
            obstacle: obstacle.map(str::to_owned),
        })
        .to_vec()
    }

    #[test]
    fn the_server_s_own_container_is_first() {
        let choice = choose(&ways(None, None, None), None).unwrap();
        assert_eq!(choice.route, Route::Exec);
        assert!(choice.reason.contains("own programs"));
    }

    #[test]
    fn the_reason_says_what_stood_in_the_better_ways() {
        let choice = choose(
            &ways(Some("12 MiB are left"), Some("may not create jobs"), None),
            None,
        )
        .unwrap();
        assert_eq!(choice.route, Route::PortForward);
        assert_eq!(
            choice.reason,
            "not exec: 12 MiB are left; not job: may not create jobs"
        );
    }

    #[test]
    fn a_way_that_was_asked_for_is_taken_or_its_obstacle_said() {
        let ways = ways(None, Some("may not create jobs"), None);
        assert_eq!(
            choose(&ways, Some(Route::PortForward)).unwrap().route,
            Route::PortForward
        );
        let refused = choose(&ways, Some(Route::Job)).unwrap_err().to_string();
        assert!(refused.ends_with("job: may not create jobs"), "{refused}");
        let unknown = choose(&ways, Some(Route::Direct)).unwrap_err().to_string();
        assert!(unknown.contains("not reached that way"), "{unknown}");
    }

    #[test]
    fn no_way_at_all_names_every_obstacle() {
        let told = choose(&ways(Some("a"), Some("b"), Some("c")), None)
            .unwrap_err()
            .to_string();
        assert!(told.ends_with("exec: a; job: b; port-forward: c"), "{told}");
    }
}

//! Where the application would get to from its pod, tried out before it starts.

use std::sync::Arc;

use super::door::Door;
use super::pod::AppServer;
use super::server::SERVER;
use crate::base::run;
use crate::script::APP_DOOR;
use crate::{RunError, Runner, Server};

/// What was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ground {
    /// Whether the database in use answers the pod by its number; `None` where that is not known.
    pub(super) live_answers: Option<bool>,
}

impl Ground {
    /// Tries from the pod. `Err` of the inner result says why the application must not start.
    pub(super) async fn look(pod: &AppServer, server: &Server) -> Result<Result<Self, String>, RunError> {
        let request = &pod.request;
        let door = &request.app.door;
        let (port, live) = (door.port.to_string(), &request.live.address);
        let live_port = live
            .as_ref()
            .map(|(_, port)| port.to_string())
            .unwrap_or_default();
        let live_host = live.as_ref().map_or("", |(host, _)| host.as_str());
        let mut arguments = vec![port.as_str(), live_host, live_port.as_str()];
        arguments.extend(door.names.iter().map(String::as_str));
        let runner: Arc<dyn Runner> = Arc::new(pod.commands_in(SERVER));
        let (said, _) = run(&runner, APP_DOOR, &arguments).await?;
        let own = server.probe.server.system_identifier.as_deref();
        Ok(Self::read(&said, door, own, &request.numbers))
    }

    fn read(said: &str, door: &Door, own: Option<&str>, numbers: &[String]) -> Result<Self, String> {
        let own = own.ok_or("the throw-away server does not say which server it is")?;
        for name in &door.names {
            let begun = format!("name {name} ");
            let found = said
                .lines()
                .find_map(|line| line.strip_prefix(&begun))
                .unwrap_or("nobody");
            if found != own {
                let who = if found == "nobody" {
                    "nobody"
                } else {
                    "another server"
                };
                return Err(format!(
                    "from the pod {name} leads to {who}, and not to the restored copy"
                ));
            }
        }
        let live = said.lines().find_map(|line| line.strip_prefix("live "));
        // 0 and 1: a server answers, be it to refuse; 2: nobody does; else nobody was asked.
        let live_answers = match live {
            Some("0" | "1") => Some(true),
            Some("2") => Some(false),
            Some(_) | None => None,
        };
        if live_answers != Some(false) && !numbers.is_empty() {
            return Err(format!(
                "it is told machines by their number ({}), and nothing is known to keep it from them: names are cut off \
                 everywhere, numbers where a cluster enforces NetworkPolicy",
                numbers.join("; ")
            ));
        }
        Ok(Self { live_answers })
    }

    /// How the application is kept from everything else, in words.
    pub(super) fn words(&self) -> String {
        let numbers = match self.live_answers {
            Some(false) => "the database in use does not answer its pod either",
            Some(true) => "addresses are not: this cluster does not enforce NetworkPolicy",
            None => "whether addresses are is not known",
        };
        format!("names are cut off; {numbers}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &str, numbers: &[&str]) -> Result<Ground, String> {
        let door = Door {
            port: 5432,
            names: vec!["db".into(), "db.shop.svc".into()],
            database: "shop".into(),
            users: vec!["app".into()],
        };
        let numbers: Vec<String> = numbers.iter().map(|place| (*place).to_owned()).collect();
        Ground::read(said, &door, Some("7"), &numbers)
    }

    #[test]
    fn every_name_has_to_lead_to_the_copy() {
        let good = "name db 7\nname db.shop.svc 7\n";
        assert!(read(good, &[]).is_ok());
        let other = read("name db 7\nname db.shop.svc 8\n", &[]).unwrap_err();
        assert!(other.contains("db.shop.svc leads to another server"), "{other}");
        assert!(read("name db.shop.svc 7\nname db nobody\n", &[]).is_err());
        assert!(
            read("name db 7\n", &[]).is_err(),
            "what was not tried is not proven"
        );
        assert!(read("name db 77\nname db.shop.svc 7\n", &[]).is_err());
    }

    #[test]
    fn who_knows_machines_by_number_starts_only_where_numbers_are_cut_off() {
        let of =
            |live: &str, numbers: &[&str]| read(&format!("name db 7\nname db.shop.svc 7\n{live}"), numbers);
        let cut_off = of("live 2\n", &["env CACHE"]).unwrap();
        assert!(cut_off.words().contains("does not answer"));
        for open in ["live 0\n", "live 1\n", "live 3\n", "live 127\n", ""] {
            assert!(
                of(open, &["env CACHE"]).unwrap_err().contains("env CACHE"),
                "{open}"
            );
        }
        assert_eq!(of("live 1\n", &[]).unwrap().live_answers, Some(true));
        assert!(
            of("live 0\n", &[])
                .unwrap()
                .words()
                .contains("does not enforce NetworkPolicy")
        );
        assert!(of("", &[]).unwrap().words().contains("not known"));
    }
}

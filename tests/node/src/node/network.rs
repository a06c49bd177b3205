//! Addresses, ports and the little network between pods and machine.
//!
//! Each pod has a pair of virtual interfaces of its own and every packet is routed by the machine, so that Services work
//! whatever the machine's bridge filter settings are. A bridge without members carries the node's address.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::{command, prerequisites};

/// Name of the node's context, container network, nft table and run folder.
pub(super) const NAME: &str = "safe-upgrade-test";
/// The interface that carries the node's address (an interface name has at most 15 characters).
pub(super) const INTERFACE: &str = "su-test0";
/// The address of the node, its API server and its DNS, as pods reach them.
pub(super) const NODE_ADDRESS: &str = "10.236.0.1";
/// Addresses of pods.
pub(super) const POD_RANGE: &str = "10.234.0.0/16";
/// Addresses of Services.
pub(super) const SERVICE_RANGE: &str = "10.235.0.0/16";
/// The API server's own Service: the first address of the range.
pub(super) const API_SERVICE_ADDRESS: &str = "10.235.0.1";
/// Tables that kube-proxy makes; their names cannot be chosen.
pub(super) const PROXY_TABLES: [&str; 2] = ["ip kube-proxy", "ip6 kube-proxy"];

/// Ports on this machine, all away from Kubernetes' usual ones.
pub(super) mod port {
    pub(in super::super) const API_SERVER: u16 = 26443;
    pub(in super::super) const ETCD_CLIENT: u16 = 22379;
    pub(in super::super) const ETCD_PEER: u16 = 22380;
    pub(in super::super) const KUBELET: u16 = 20250;
    pub(in super::super) const KUBELET_HEALTH: u16 = 20248;
    pub(in super::super) const CONTROLLER_MANAGER: u16 = 20257;
    pub(in super::super) const SCHEDULER: u16 = 20259;
    pub(in super::super) const PROXY_METRICS: u16 = 20249;
    pub(in super::super) const PROXY_HEALTH: u16 = 20256;
    pub(super) const ALL: [u16; 9] = [
        API_SERVER,
        ETCD_CLIENT,
        ETCD_PEER,
        KUBELET,
        KUBELET_HEALTH,
        CONTROLLER_MANAGER,
        SCHEDULER,
        PROXY_METRICS,
        PROXY_HEALTH,
    ];
}

#[derive(Debug, Deserialize)]
struct Route {
    dst: String,
    #[serde(default)]
    dev: String,
}

/// Refuses when somebody else uses a port or an address range of the node.
pub(super) fn refuse_if_taken() -> Result<()> {
    let mut taken: Vec<String> = port::ALL
        .into_iter()
        .filter(|port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_err())
        .map(|port| format!("port {port}"))
        .collect();
    let routes = command::run(Command::new("ip").args(["-json", "-4", "route"]))?;
    let routes: Vec<Route> = serde_json::from_str(&routes).context("parse what `ip route` says")?;
    for range in [POD_RANGE, SERVICE_RANGE, NODE_ADDRESS] {
        let users = routes
            .iter()
            .filter(|route| route.dst != "default" && overlap(&route.dst, range));
        taken.extend(users.map(|route| {
            format!(
                "addresses {} (interface {}) overlap {range}",
                route.dst, route.dev
            )
        }));
    }
    if !taken.is_empty() {
        bail!(
            "the test node cannot start, others on this machine use what it needs: {}",
            taken.join("; ")
        );
    }
    Ok(())
}

/// Makes the node's interface, forwards packets of pods and hides them behind the machine's address.
pub(super) fn set_up(masquerade: &str) -> Result<()> {
    ip(&["link", "add", INTERFACE, "type", "bridge"])?;
    ip(&["address", "add", &format!("{NODE_ADDRESS}/32"), "dev", INTERFACE])?;
    ip(&["link", "set", INTERFACE, "up"])?;
    command::run(Command::new("nft").args(["-f", masquerade]))?;
    let forwards = forward_chain()?;
    if forwards.iter().any(|rule| rule == "-P FORWARD DROP") {
        for direction in ["--source", "--destination"] {
            let rule = [
                direction,
                POD_RANGE,
                "--match",
                "comment",
                "--comment",
                NAME,
                "--jump",
                "ACCEPT",
            ];
            command::run(
                Command::new("iptables")
                    .args(["--wait", "--insert", "FORWARD"])
                    .args(rule),
            )?;
        }
    }
    Ok(())
}

/// Removes the interface, the tables and the forwarding rules that exist.
pub(super) fn tear_down() -> Result<()> {
    for rule in forward_rules()? {
        let rule = rule.split(' ').skip(1);
        command::run(Command::new("iptables").args(["--wait", "--delete"]).args(rule))?;
    }
    if interface_exists() {
        ip(&["link", "delete", INTERFACE])?;
    }
    for table in tables()? {
        command::run(
            Command::new("nft")
                .args(["delete", "table"])
                .args(table.split(' ')),
        )?;
    }
    Ok(())
}

pub(super) fn interface_exists() -> bool {
    fs::exists(format!("/sys/class/net/{INTERFACE}")).unwrap_or(false)
}

/// The node's nft tables that exist now, as `family name`.
pub(super) fn tables() -> Result<Vec<String>> {
    if !prerequisites::found("nft") {
        return Ok(Vec::new());
    }
    let own = format!("ip {NAME}");
    let all = command::run(Command::new("nft").args(["list", "tables"]))?;
    Ok(all
        .lines()
        .filter_map(|line| line.strip_prefix("table "))
        .map(str::trim)
        .filter(|table| *table == own || PROXY_TABLES.contains(table))
        .map(str::to_owned)
        .collect())
}

/// The node's rules in the machine's forwarding chain, as `iptables --list-rules` writes them. There are some only where
/// that chain drops what it does not know, as a container engine sets it up.
pub(super) fn forward_rules() -> Result<Vec<String>> {
    let comment = format!("--comment {NAME} ");
    Ok(forward_chain()?
        .into_iter()
        .filter(|rule| rule.contains(&comment))
        .collect())
}

fn forward_chain() -> Result<Vec<String>> {
    if !prerequisites::found("iptables") {
        return Ok(Vec::new());
    }
    let rules = command::run(Command::new("iptables").args(["--wait", "--list-rules", "FORWARD"]))?;
    Ok(rules.lines().map(str::to_owned).collect())
}

fn ip(arguments: &[&str]) -> Result<()> {
    command::run(Command::new("ip").args(arguments)).map(drop)
}

/// Whether two ranges (`a.b.c.d/n`, or one address) have an address in common. What cannot be read overlaps nothing.
fn overlap(one: &str, other: &str) -> bool {
    let (Some((one, one_bits)), Some((other, other_bits))) = (range(one), range(other)) else {
        return false;
    };
    let bits = one_bits.min(other_bits);
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    u32::from(one) & mask == u32::from(other) & mask
}

fn range(text: &str) -> Option<(Ipv4Addr, u32)> {
    let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
    Some((
        address.parse().ok()?,
        bits.parse().ok().filter(|bits| *bits <= 32)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_overlap_when_one_holds_the_other() {
        assert!(overlap("10.234.7.0/24", POD_RANGE));
        assert!(overlap("10.0.0.0/8", POD_RANGE));
        assert!(overlap("10.234.0.9", POD_RANGE));
        assert!(overlap("0.0.0.0/0", POD_RANGE));
        assert!(!overlap("10.235.0.0/16", POD_RANGE));
        assert!(!overlap("unreachable", POD_RANGE));
    }

    #[test]
    fn the_interface_name_fits_the_kernel() {
        assert!(INTERFACE.len() <= 15);
    }
}

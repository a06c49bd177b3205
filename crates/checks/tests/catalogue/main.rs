//! Every row of the catalogue against observations: what passes, what does not, what does not apply, what cannot be
//! told. All start from one healthy release and change what the row looks at.

mod backup;
mod budget;
mod built_in;
mod cluster;
mod documents;
mod fixture;
mod health;
mod helm;
mod migration;
mod notes;
mod owner;
mod path;
mod postgres;
mod profiles;
mod registry;
mod requires;
mod rewrites;
mod roles;
mod roll_out;
mod runbooks;
mod upgrade_path;
mod ways;
mod workload;

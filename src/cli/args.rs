//! The command line as typed. What it means is decided elsewhere.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// From an alert to what belongs to it: objects, events, metrics, logs, traces, each with the chain
/// of rules that led there. Reads only, never changes anything.
#[derive(Debug, Parser)]
#[command(name = "korrel8", version, max_term_width = 100, subcommand_help_heading = "Commands")]
#[command(after_help = EXAMPLES)]
pub(super) struct Cli {
    /// Where to begin: kind/name (pod/db-0, deploy/web), alert/NAME, a query
    /// (k8s:Pod:{namespace: shop}), or the URL of an alert. Without it: the list of firing alerts.
    #[arg(num_args = 0..=2, value_name = "START")]
    pub(super) start: Vec<String>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) global: Global,
}

const EXAMPLES: &str = "Examples:
  korrel8 --demo                                   solve an incident on a made-up cluster
  korrel8                                          pick from the firing alerts
  korrel8 pod/db-0 -n shop                         what belongs to a Pod
  korrel8 goals alert/KubePodCrashLooping log      from an alert to its logs, as text
  korrel8 neighbors pvc/data-0 -n shop -o json     everything around a claim, for scripts";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Follow rules from START to goals, and show what was found on the way.
    Goals {
        /// Where to begin: kind/name, alert/NAME, a query or the URL of an alert.
        start: String,
        /// What to look for: a domain (log) or a class (k8s:Pod, log:application).
        #[arg(required = true, value_name = "GOAL")]
        goals: Vec<String>,
        #[command(flatten)]
        shape: Shape,
    },
    /// Follow rules from START to everything near.
    #[command(alias = "neighbours")]
    Neighbors {
        /// Where to begin: kind/name, alert/NAME, a query or the URL of an alert.
        start: String,
        /// How far to go.
        #[arg(long, short)]
        depth: Option<u32>,
        #[command(flatten)]
        shape: Shape,
    },
    /// Print the objects of one query.
    #[command(alias = "objects")]
    Get {
        /// The query, as k8s:Pod:{namespace: shop}.
        query: String,
    },
    /// List the domains, or the classes of one.
    List {
        /// A domain: k8s, alert, metric, log, trace, netflow, incident.
        domain: Option<String>,
    },
    /// Tell what a domain is, its selectors and its sources.
    Describe {
        /// A domain: k8s, alert, metric, log, trace, netflow, incident.
        domain: Option<String>,
    },
    /// List the rules, check them, or try them on an object.
    ///
    /// `rules --start CLASS` lists only rules that start at a class.
    #[command(args_conflicts_with_subcommands = true)]
    Rules {
        /// Only rules that lead to this class.
        #[arg(long, value_name = "CLASS")]
        goal: Option<String>,
        /// Draw the rules as a graph: -o dot for Graphviz, which is the default, or -o mermaid.
        #[arg(long)]
        graph: bool,
        #[command(subcommand)]
        command: Option<RulesCommand>,
    },
    /// Show every source: how it was found and reached, how long it took, or why not.
    Sources,
    /// Write what is around START to a file that --replay opens: record START -o FILE.
    Record {
        /// Where to begin: kind/name, alert/NAME, a query or the URL of an alert.
        start: String,
        /// How far to go.
        #[arg(long, short)]
        depth: Option<u32>,
    },
    /// Print completions for a shell.
    Completions {
        /// bash, zsh, fish, elvish or powershell.
        shell: Shell,
    },
    /// Print the manual page.
    Man,
    /// Show where the settings are, or what they are.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// Load rules and run their examples; report all faults with file, line and column.
    Check {
        /// Rule files to check along with the built-in ones and your own.
        files: Vec<PathBuf>,
    },
    /// Read objects and print, for each rule that applies, its queries.
    ///
    /// JSON or YAML: one object, a list, or what `korrel8 get QUERY -o json` or `kubectl get -o
    /// yaml` print. Of your own rules that do not apply it is told why.
    Try {
        /// The class of the objects, if they do not tell it by apiVersion and kind.
        #[arg(long, value_name = "CLASS")]
        class: Option<String>,
        /// Only this rule, and why it does not apply.
        #[arg(long, value_name = "NAME")]
        rule: Option<String>,
        /// A file with the objects, or - for standard input.
        #[arg(default_value = "-")]
        file: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// The file and folder that settings and rules are read from.
    Path,
    /// The settings in force, as YAML.
    Show,
}

/// What a graph shows.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Shape {
    /// Include the bodies of objects in json and yaml.
    #[arg(long)]
    pub(super) objects: bool,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Explore a made-up cluster with several incidents.
    #[arg(long, global = true, conflicts_with = "replay", help_heading = "Where from")]
    pub(super) demo: bool,
    /// Explore a recording, without any network.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Where from")]
    pub(super) replay: Option<PathBuf>,
    /// The kubeconfig file.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Where from")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The kubeconfig context.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Where from")]
    pub(super) context: Option<String>,
    /// The namespace to begin in.
    #[arg(long, short, global = true, value_name = "NAME", help_heading = "Where from")]
    pub(super) namespace: Option<String>,
    /// All namespaces.
    #[arg(long, short = 'A', global = true, conflicts_with = "namespace")]
    #[arg(help_heading = "Where from")]
    pub(super) all_namespaces: bool,
    /// Act as this user.
    #[arg(long = "as", global = true, value_name = "USER", help_heading = "Where from")]
    pub(super) as_user: Option<String>,
    /// Act as a member of this group.
    #[arg(long, global = true, value_name = "GROUP", help_heading = "Where from")]
    pub(super) as_group: Vec<String>,
    /// A bearer token for the API server.
    #[arg(long, global = true, value_name = "TOKEN", hide_env_values = true)]
    #[arg(env = "KORREL8_TOKEN", help_heading = "Where from")]
    pub(super) token: Option<String>,
    /// Do not verify the API server's certificate.
    #[arg(long, global = true, help_heading = "Where from")]
    pub(super) insecure_skip_tls_verify: bool,
    /// Where Prometheus is.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "KORREL8_PROMETHEUS_URL",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where from")]
    pub(super) prometheus_url: Option<String>,
    /// Where Alertmanager is.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "KORREL8_ALERTMANAGER_URL",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where from")]
    pub(super) alertmanager_url: Option<String>,
    /// Where Loki is (also `LOKI_ADDR`).
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "KORREL8_LOKI_URL",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where from")]
    pub(super) loki_url: Option<String>,
    /// The tenant of Loki, sent as X-Scope-OrgID.
    #[arg(long, global = true, value_name = "ID", env = "LOKI_ORG_ID")]
    #[arg(help_heading = "Where from")]
    pub(super) loki_org_id: Option<String>,
    /// Where Tempo is.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "KORREL8_TEMPO_URL",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where from")]
    pub(super) tempo_url: Option<String>,
    /// The tenant of Tempo, sent as X-Scope-OrgID.
    #[arg(long, global = true, value_name = "ID", env = "TEMPO_ORG_ID")]
    #[arg(help_heading = "Where from")]
    pub(super) tempo_org_id: Option<String>,
    /// The tenant in the path of a `TempoStack`'s gateway.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Where from")]
    pub(super) tempo_tenant: Option<String>,
    /// Where Jaeger is, if there is no Tempo.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "KORREL8_JAEGER_URL",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where from")]
    pub(super) jaeger_url: Option<String>,
    /// Where the Loki with network flows is, if it is another one.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "KORREL8_NETFLOW_URL",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where from")]
    pub(super) netflow_url: Option<String>,
    /// A file or folder with rules of your own.
    #[arg(long, global = true, value_name = "PATH", help_heading = "What")]
    pub(super) rules: Vec<PathBuf>,
    /// Look back this far from now, as 30m, 2h, 1d.
    #[arg(long, global = true, value_name = "DUR", conflicts_with = "from")]
    #[arg(help_heading = "What")]
    #[arg(allow_hyphen_values = true)]
    pub(super) since: Option<String>,
    /// End this long before now.
    #[arg(long, global = true, value_name = "DUR", conflicts_with = "to", help_heading = "What")]
    #[arg(allow_hyphen_values = true)]
    pub(super) until: Option<String>,
    /// Start of the window, as 2026-11-23T14:00:00Z; for `rules`, the start class.
    #[arg(long = "start", id = "from", global = true, value_name = "TIME", help_heading = "What")]
    pub(super) from: Option<String>,
    /// End of the window.
    #[arg(long = "end", id = "to", global = true, value_name = "TIME", help_heading = "What")]
    pub(super) to: Option<String>,
    /// Objects that one query may bring.
    #[arg(long, global = true, value_name = "N", help_heading = "What")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit: Option<u32>,
    /// How much a path may cost on the way to a goal.
    #[arg(long, global = true, value_name = "N", help_heading = "What")]
    pub(super) reach: Option<u32>,
    /// How long one call may take, as 10s.
    #[arg(long, global = true, value_name = "DUR", help_heading = "What")]
    pub(super) request_timeout: Option<String>,
    /// How long a whole search may take; what has been found by then is shown.
    #[arg(long, global = true, value_name = "DUR", help_heading = "What")]
    pub(super) timeout: Option<String>,
    /// How many calls one source may get at a time.
    #[arg(long, global = true, value_name = "N", help_heading = "What")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) concurrency: Option<u32>,
    /// How to print: text (a tree for people), json, yaml, name, dot or mermaid; get has ndjson;
    /// record takes the file to write here.
    #[arg(long, short, global = true, value_name = "FORMAT", help_heading = "Output")]
    pub(super) output: Option<String>,
    /// A settings file in place of the usual one.
    #[arg(long, global = true, value_name = "FILE", env = "KORREL8_CONFIG")]
    #[arg(help_heading = "Output")]
    pub(super) config: Option<PathBuf>,
    /// Tell every query and what became of it on standard error.
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(super) verbose: u8,
}

impl Global {
    /// The format asked for, which must be one that the command has.
    pub(super) fn format(&self, command: &str, known: &[Format]) -> Result<Format, String> {
        let Some(text) = &self.output else { return Ok(Format::Text) };
        let format = Format::from_str(text, true).ok().filter(|format| known.contains(format));
        format.ok_or_else(|| {
            let name = |format: &Format| Some(format.to_possible_value()?.get_name().to_owned());
            let known: Vec<String> = known.iter().filter_map(name).collect();
            format!("{command} has no -o {text:?}; it has {}", known.join(", "))
        })
    }
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A tree for people.
    Text,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// One JSON document per line.
    Ndjson,
    /// Names only, one per line.
    Name,
    /// A graph in Graphviz' language.
    Dot,
    /// A graph in Mermaid's language.
    Mermaid,
}

//! The key table: every action with its scope, default keys and help line.
//!
//! Keymap, help, hint line, palette, config names and the README's key table derive from these
//! rows. To add an action, add a row and its arm in `update`.
#![deny(clippy::disallowed_methods, reason = "pure room")]

/// Where a key means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// In every pane.
    Everywhere,
    /// In the list of alerts.
    Alerts,
    /// In the tree of rule paths.
    Paths,
    /// In the results of a path.
    Results,
    /// In the detail of one object.
    Detail,
    /// In the spans of a trace.
    Trace,
}

impl Scope {
    /// The heading of the scope in the help.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Alerts => "Alerts",
            Self::Paths => "Paths",
            Self::Results => "Results",
            Self::Detail => "Detail",
            Self::Trace => "Trace",
        }
    }
}

/// A row of the key table.
#[derive(Debug)]
pub(crate) struct Row {
    /// Where the keys mean this.
    pub(crate) scope: Scope,
    /// What they mean.
    pub(crate) action: Action,
    /// The name in the config, as `next-pane`.
    pub(crate) name: &'static str,
    /// The default keys; the first one is shown where there is room for one.
    pub(crate) keys: &'static [&'static str],
    /// What it does, as a help line.
    pub(crate) help: &'static str,
    /// The same in a word or two for the hint line; empty where it is not worth the room.
    pub(crate) hint: &'static str,
}

macro_rules! actions {
    ($($scope:ident { $($action:ident $name:literal [$($key:literal),*] $help:literal $hint:literal)* })*) => {
        /// Everything that a key can mean.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Action {
            $($(#[doc = $help] $action,)*)*
        }

        /// The key table.
        pub(crate) const ROWS: &[Row] = &[
            $($(Row {
                scope: Scope::$scope,
                action: Action::$action,
                name: $name,
                keys: &[$($key),*],
                help: $help,
                hint: $hint,
            },)*)*
        ];
    };
}

actions! {
    Alerts {
        ToggleSuppressed "toggle-suppressed" ["s"] "Show or hide silenced and inhibited alerts" "suppressed"
    }
    Paths {
        Fold "fold" ["space"] "Fold or unfold the path" "fold"
        ToggleEmpty "toggle-empty" ["a"] "Show or hide paths that found nothing, or only what stands above" "hidden paths"
    }
    Results {
        NextError "next-error" ["e"] "Next error; in the detail as well" "next error"
        PreviousError "previous-error" ["E"] "Previous error" ""
        NextWarning "next-warning" ["w"] "Next warning" ""
        PreviousWarning "previous-warning" ["W"] "Previous warning" ""
        Timestamps "timestamps" ["T"] "Times short or with date" ""
    }
    Detail {
        Format "format" ["f"] "YAML or JSON" "YAML/JSON"
    }
    Trace {
        FoldSpan "fold-span" ["space"] "Fold or unfold the span" "fold"
        NextFailed "next-failed" ["e"] "Next failed span" "next error"
        PreviousFailed "previous-failed" ["E"] "Previous failed span" ""
        FollowLink "follow-link" ["o"] "Open the trace that the span links to" "linked trace"
    }
    Everywhere {
        Down "down" ["j", "down"] "Down" ""
        Up "up" ["k", "up"] "Up" ""
        Left "left" ["left"] "Fold, or scroll to the left" ""
        Right "right" ["right"] "Unfold, or scroll to the right" ""
        PageDown "page-down" ["pgdn", "ctrl-f"] "One page down" ""
        PageUp "page-up" ["pgup", "ctrl-b"] "One page up" ""
        Top "top" ["g", "home"] "To the top" ""
        Bottom "bottom" ["G", "end"] "To the end" ""
        Open "open" ["enter"] "Open what is selected" "open"
        Close "close" ["esc"] "Close, clear, cancel the search, or go back; never quits" ""
        NextPane "next-pane" ["tab"] "Next pane" "pane"
        PreviousPane "previous-pane" ["backtab"] "Previous pane" ""
        PathsPane "paths-pane" ["1"] "To the paths" ""
        ResultsPane "results-pane" ["2"] "To the results" ""
        DetailPane "detail-pane" ["3"] "To the detail" ""
        Logs "logs" ["l"] "To the logs of the selected path; looks further if there are none" "logs"
        Explore "explore" ["."] "Explore from the selected object: a new search" "explore from here"
        Back "back" ["["] "Back to the earlier search" ""
        Forward "forward" ["]"] "Forward again" ""
        Last "last" ["-"] "To the search seen last" ""
        Search "search" ["/"] "Search without hiding" "search"
        NextHit "next-hit" ["n"] "Next hit of the search" ""
        PreviousHit "previous-hit" ["N"] "Previous hit of the search" ""
        Filter "filter" ["&"] "Keep only what matches; ! in front keeps the rest" "filter"
        Window "window" ["t"] "Change the time range" "time"
        Refresh "refresh" ["R"] "Ask everything again" ""
        Farther "farther" ["+"] "Reach further: paths may cost one more" "reach further"
        Lift "lift" ["L"] "Lift the limit: five times as much" ""
        Copy "copy" ["y"] "Copy the record" "copy"
        CopyQuery "copy-query" ["c"] "Copy the query" ""
        Wrap "wrap" ["v"] "Wrap long lines or cut them" ""
        Zoom "zoom" ["z"] "The focused pane alone, or all of them" "zoom"
        Sources "sources" ["x"] "Every source, and what went wrong" ""
        Mouse "mouse" ["m"] "Use the mouse here, or leave it to the terminal" ""
        Palette "palette" [":", "ctrl-p"] "Find an action by its name" ""
        Help "help" ["?", "f1"] "All keys" "help"
        Quit "quit" ["q", "ctrl-c"] "Quit" ""
    }
}

impl Action {
    /// Its row in the key table.
    pub(crate) fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.action == self).unwrap_or(&ROWS[0])
    }
}

/// The key table as Markdown, for the README.
pub fn key_table() -> String {
    let mut out = String::from("| where | keys | what |\n|---|---|---|\n");
    for row in ROWS {
        let keys = row.keys.join("` `");
        out.extend(["| ", row.scope.title(), " | `", &keys, "` | ", row.help, " |\n"]);
    }
    out
}

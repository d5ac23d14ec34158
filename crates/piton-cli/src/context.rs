//! What the commands of one line share.

use piton::ConnectOptions;
use piton::deadline::Cancel;
use piton::selector::BoardSelector;

use crate::args::GlobalOptions;
use crate::compatibility::Compatibility;
use crate::config::Config;
use crate::session::{Manner, Session};
use crate::ui::Ui;
use crate::verbosity::Verbosity;

/// What the commands of one line share.
pub(crate) struct Context {
    /// Under which name the program was called.
    pub(crate) compatibility: &'static Compatibility,
    /// The connection to a board.
    pub(crate) session: Session,
    /// stdout and stderr.
    pub(crate) ui: Ui,
    /// Raised by Ctrl-C.
    pub(crate) cancel: Cancel,
    /// What a person has set up.
    pub(crate) config: Config,
}

impl Context {
    /// A context with no board connected.
    pub(crate) fn new(
        compatibility: &'static Compatibility,
        options: &GlobalOptions,
        config: Config,
    ) -> Context {
        let ui = Ui::new(compatibility, options);
        let cancel = Cancel::new();
        let mut connect = ConnectOptions::default();
        connect.cancel = cancel.clone();
        connect.vm.clone_from(&options.vm);
        connect.open = options.open.clone();
        connect.report = Some(ui.event_reporter());
        connect.wire_log = (options.verbosity == Verbosity::Wire).then(crate::ui::wire_log);
        Context {
            compatibility,
            session: Session::new(
                connect,
                config.board.clone().unwrap_or(BoardSelector::Auto),
                Manner {
                    reset_on_connect: options.reset_on_connect,
                    reconnects: compatibility.reconnects && !options.no_reconnect,
                },
            ),
            ui,
            cancel,
            config,
        }
    }
}

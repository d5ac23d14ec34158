//! What the commands of one line share.

use piton::ConnectOptions;
use piton::deadline::Cancel;
use piton::selector::BoardSelector;

use crate::args::{Face, GlobalOptions};
use crate::config::Config;
use crate::session::{Manner, Session};
use crate::ui::Ui;
use crate::verbosity::Verbosity;

/// What the commands of one line share.
pub(crate) struct Context {
    /// Under which name the program was called.
    pub(crate) face: Face,
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
    pub(crate) fn new(face: Face, options: &GlobalOptions, config: Config) -> Context {
        let ui = Ui::new(face, options);
        let cancel = Cancel::new();
        let mut connect = ConnectOptions::default();
        connect.cancel = cancel.clone();
        connect.vm.clone_from(&options.vm);
        connect.open = options.open.clone();
        connect.report = Some(ui.event_reporter());
        connect.wire_log = (options.verbosity == Verbosity::Wire).then(crate::ui::wire_log);
        Context {
            face,
            session: Session::new(
                connect,
                config.board.clone().unwrap_or(BoardSelector::Auto),
                Manner {
                    reset_on_connect: options.reset_on_connect,
                    // A script written for mpremote counts on its end.
                    reconnects: face == Face::Piton && !options.no_reconnect,
                },
            ),
            ui,
            cancel,
            config,
        }
    }
}

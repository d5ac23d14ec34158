//! What the commands of one line share.

use std::sync::Arc;

use piton::deadline::Cancel;
use piton::selector::BoardSelector;
use piton::{ConnectEvent, ConnectOptions, Reporter, Session, SessionOptions};

use crate::args::GlobalOptions;
use crate::compatibility::Compatibility;
use crate::config::Config;
use crate::ui::Ui;
use crate::verbosity::Verbosity;
use crate::{interrupt, password};

/// What the commands of one line share.
pub(crate) struct Context {
    /// The rules of the name by which the program was called.
    pub(crate) compatibility: &'static Compatibility,
    /// The connection to a board.
    pub(crate) session: Session,
    /// stdout and stderr.
    pub(crate) ui: Ui,
    /// The flag that Ctrl-C raises; the session has it too.
    pub(crate) cancel: Cancel,
    /// The settings of the configuration file.
    pub(crate) config: Config,
}

impl Context {
    /// Returns a context with no board connected.
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
        connect.report = Some(reporter(&ui, &cancel));
        connect.wire_log = (options.verbosity == Verbosity::Wire).then(crate::ui::wire_log);
        let mut session = SessionOptions::default();
        session.connect = connect;
        session.reset_on_connect = options.reset_on_connect;
        session.reconnects = compatibility.reconnects && !options.no_reconnect;
        session.ask_password = Some(password::prompt());
        let default_board = config
            .boards
            .default_board()
            .cloned()
            .unwrap_or(BoardSelector::Auto);
        Context {
            compatibility,
            session: Session::new(default_board, session),
            ui,
            cancel,
            config,
        }
    }
}

/// Returns the listener for what happens while a connection is made.
fn reporter(ui: &Ui, cancel: &Cancel) -> Reporter {
    let report = ui.event_reporter();
    let cancel = cancel.clone();
    Arc::new(move |event| match event {
        // From here on a board has to be left at its prompt, so Ctrl-C must not end the program at once.
        ConnectEvent::Connecting { .. } => interrupt::install(&cancel),
        event => report(event),
    })
}

//! A world that deviates in nothing, for whoever wants to talk to it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use mailproof::session::LINGER;
use mailproof_certs::{Authority, Fault, Names};
use mailproof_mock_servers::world::{Place, SERVED, World, WorldConfig};
use mailproof_scenarios::{
    library::Library,
    model::{Canaries, Case, Delta, PortRole},
};
use time::OffsetDateTime;

/// Connections that one world is asked for: it serves a few more.
pub(crate) const CONNECTIONS: usize = 150;

/// What worlds are made of.
pub(crate) struct Mocks {
    library: Library,
    authority: Arc<Authority>,
    folder: tempfile::TempDir,
}

/// One world.
pub(crate) struct Mock {
    pub(crate) world: World,
    pub(crate) canaries: Canaries,
}

impl Mocks {
    pub(crate) fn new() -> Result<Self, String> {
        let authority = Authority::fresh(OffsetDateTime::now_utc()).map_err(|it| it.to_string())?;
        let folder = tempfile::tempdir().map_err(|it| it.to_string())?;
        std::fs::write(folder.path().join("ca.pem"), authority.root_pem())
            .map_err(|it| it.to_string())?;
        Ok(Self {
            library: Library::embedded().map_err(|it| it.to_string())?,
            authority: Arc::new(authority),
            folder,
        })
    }

    /// The certificate of the authority.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Writes the authority, and the chain that worlds show with its key, into a folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), String> {
        let chain = self
            .authority
            .chain(Fault::Valid, &Names::dns("localhost"))
            .map_err(|it| it.to_string())?;
        let files = [
            ("ca.pem", self.authority.root_pem()),
            ("chain.pem", &chain.sent_pem()),
            ("key.pem", &chain.key_pem),
        ];
        files.into_iter().try_for_each(|(name, text)| {
            std::fs::write(folder.join(name), text).map_err(|it| it.to_string())
        })
    }

    /// A world with a port for each of `roles`, where mail is taken without TLS and sign-in if `open`.
    pub(crate) async fn start(&self, roles: &[PortRole], open: bool) -> Result<Mock, String> {
        self.start_for(roles, open, SERVED).await
    }

    /// The same for so many connections.
    pub(crate) async fn start_for(
        &self,
        roles: &[PortRole],
        open: bool,
        served: u32,
    ) -> Result<Mock, String> {
        let case = self.case(roles, open)?;
        let persona = |name: &str| {
            let found = self.library.persona(name).cloned();
            found.ok_or_else(|| format!("no persona {name}"))
        };
        let canaries = Canaries::derive(1, &case.id, case.accounts());
        let config = WorldConfig {
            personas: [persona(&case.setup.smtp)?, persona(&case.setup.imap)?],
            case: Arc::new(case),
            canaries: canaries.clone(),
            authority: self.authority.clone(),
            now: OffsetDateTime::now_utc(),
            place: Place::Loopback,
            numbers: BTreeMap::new(),
            linger: LINGER.min(Duration::from_millis(100)),
            served,
        };
        let world = World::start(config).await.map_err(|it| it.to_string())?;
        world.begin_step(1).await;
        Ok(Mock { world, canaries })
    }

    /// A case without a delta, with a step for each port.
    fn case(&self, roles: &[PortRole], open: bool) -> Result<Case, String> {
        let sample = self.library.case("smtp/starttls/baseline");
        let mut case = sample.cloned().ok_or("no case to begin with")?;
        let step = case.steps.first().cloned().ok_or("a case without steps")?;
        case.id = "bench".to_owned();
        case.delta = Delta::None;
        case.steps = roles
            .iter()
            .map(|role| {
                let mut step = step.clone();
                step.port = *role;
                step.protocol = role.protocol();
                step
            })
            .collect();
        if open {
            case.setup.requires_auth = Some(false);
            case.setup.auth_in_clear = Some(true);
        }
        Ok(case)
    }
}

//! From what a file says to the model: defaults are filled in, contradictions are found.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use mailproof_certs::{Fault, Needs};
use toml::Spanned;

use super::{
    ExpectationSets, Problem, Problems, Source,
    file::{
        ChainFile, DeviateFile, DnsFile, ExpectFile, MomentFile, OnFile, PatternFile, RunFile,
        ScenarioFile, ServerFile, SetupFile, VaryFile,
    },
    problem::nearest,
    tls,
};
use crate::model::{
    Action, At, Auth, CaFile, Case, ChainSpec, Check, Delta, Deviation, Diagnosis, DnsChange,
    Expectation, Host, Job, Message, Need, On, Party, Pattern, Persona, PortChange, PortRole,
    PortState, Process, Protocol, Security, Setup, Split, Step, Then, TlsAct, Trust, Vary,
};

/// Addresses of the client that a step can come from.
const SOURCES: u16 = 3;

pub(super) type Personas = BTreeMap<String, Persona>;

/// Lowers one variant of a file.
pub(super) fn case(
    source: &Arc<Source>,
    file: ScenarioFile,
    variant: Vec<(String, String)>,
    personas: &Personas,
    sets: &ExpectationSets,
) -> Result<Case, Problems> {
    let mut problems = Problems::default();
    check_id(source, &file.id, &mut problems);
    let several = file
        .segments
        .iter()
        .collect::<std::collections::HashSet<_>>();
    if several.len() < file.segments.len() {
        let message = "`segments` names one of them twice";
        problems.push(Problem::new(source, source.find("segments ="), message));
    }
    let mut steps = Vec::new();
    for run in file.run {
        let span = run.span();
        match step(run.into_inner()) {
            Ok(step) => steps.push(step),
            Err(message) => problems.push(Problem::new(source, span, message)),
        }
    }
    if steps.is_empty() && problems.is_empty() {
        let message = "`run` is empty: nothing would be asked of the subject";
        problems.push(Problem::new(source, source.find("run"), message));
    }
    let setup = setup(source, file.server, file.setup, personas, &mut problems);
    let delta = delta(source, file.deviate, file.vary, &steps, &mut problems);
    let mut expect = Vec::new();
    for name in file.use_sets {
        match sets.get(name.get_ref()) {
            Some(set) => expect.extend(set.iter().cloned()),
            None => problems.push(unknown_set(source, name.span(), name.get_ref(), sets)),
        }
    }
    for expectation_file in file.expect {
        match expectation(source, expectation_file, sets) {
            Ok(found) => expect.extend(found),
            Err(found) => problems.merge(found),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let scenario = file.id.into_inner();
    let names: Vec<&str> = variant.iter().map(|(_, name)| name.as_str()).collect();
    let id = if names.is_empty() {
        scenario.clone()
    } else {
        format!("{scenario}#{}", names.join("+"))
    };
    Ok(Case {
        id,
        scenario,
        variant,
        title: file.title,
        why: file.why,
        kind: file.kind,
        severity: file.severity,
        frequency: file.frequency,
        refs: file.refs.into_iter().map(Spanned::into_inner).collect(),
        covers: file.covers.into_iter().map(Spanned::into_inner).collect(),
        tags: file.tags,
        needs: needs(file.needs, &steps, &delta, &setup),
        waits: file.waits || waits(&delta),
        steps,
        setup,
        delta,
        expect,
        killed_by: file.killed_by,
        diagnosis: file.diagnosis.map(|it| Diagnosis {
            who: it.who,
            en: it.en,
            de: it.de,
        }),
    })
}

/// The case once in each of the segmentations. Whole is how everything leaves anyway, and not named in the id.
pub(super) fn in_segments(case: Case, segments: &[Split]) -> Vec<Case> {
    let of = |split: Split| {
        let mut case = case.clone();
        if split != Split::Whole {
            let joint = if case.variant.is_empty() { '#' } else { '+' };
            case.id = format!("{}{joint}{split}", case.id);
            case.variant
                .push(("segments".to_owned(), split.to_string()));
            case.setup.segments = Some(split);
        }
        case
    };
    match segments {
        [] => vec![case],
        some => some.iter().copied().map(of).collect(),
    }
}

/// Lowers one expectation; `use` gives several.
pub(super) fn expectation(
    source: &Arc<Source>,
    file: Spanned<ExpectFile>,
    sets: &ExpectationSets,
) -> Result<Vec<Expectation>, Problems> {
    let span = file.span();
    let file = file.into_inner();
    let problem = |message: String| Problems::from(Problem::new(source, span.clone(), message));
    let mut checks = Vec::new();
    let mut add = |name: &'static str, check: Option<Check>| {
        if let Some(check) = check {
            checks.push((name, check));
        }
    };
    add("completed", file.completed.map(Check::Completed));
    add("honest", file.honest.then_some(Check::Honest));
    add("said", file.said.map(Check::Said));
    let never = file.never.map(pattern).transpose().map_err(&problem)?;
    add("never", never.map(Check::Never));
    let seen = file.seen.map(pattern).transpose().map_err(&problem)?;
    add("seen", seen.map(Check::Seen));
    let order = file
        .order
        .map(|it| it.into_iter().map(pattern).collect::<Result<_, _>>())
        .transpose()
        .map_err(&problem)?;
    add("order", order.map(Check::Order));
    add(
        "accepted",
        file.accepted.map(|it| Check::Accepted {
            min: it.min,
            max: it.max,
        }),
    );
    add(
        "connections",
        file.connections.map(|it| Check::Connections {
            min: it.min,
            max: it.max,
        }),
    );
    add("store", file.store.map(Check::Store));
    add("tells", file.tells.map(Check::Tells));
    add("told_apart", file.told_apart.map(Check::ToldApart));
    add("quotes", file.quotes.then_some(Check::Quotes));
    add("memory", file.memory.map(Check::Memory));
    if let Some(name) = file.use_set {
        if !checks.is_empty() || file.level.is_some() {
            return Err(problem("`use` stands alone, at most with `run`".to_owned()));
        }
        let set = sets
            .get(&name)
            .ok_or_else(|| unknown_set(source, span.clone(), &name, sets))?;
        return Ok(set
            .iter()
            .map(|it| Expectation {
                step: file.run.or(it.step),
                ..it.clone()
            })
            .collect());
    }
    let mut checks = checks.into_iter();
    let Some((first, check)) = checks.next() else {
        return Err(problem(
            "an expectation wants one of `completed`, `honest`, `said`, `never`, `seen`, `order`, `accepted`, \
             `connections`, `store`, `tells`, `told_apart`, `quotes`, `memory`, `use`"
                .to_owned(),
        ));
    };
    if let Some((second, _)) = checks.next() {
        return Err(problem(format!(
            "an expectation has one check, this has `{first}` and `{second}`"
        )));
    }
    let level = file.level.ok_or_else(|| {
        problem("an expectation wants a `level`: MUST, SHOULD, MAY, SECURITY or INTEROP".to_owned())
    })?;
    Ok(vec![Expectation {
        level,
        step: file.run,
        check,
        clause: file.clause,
    }])
}

fn unknown_set(
    source: &Arc<Source>,
    span: Range<usize>,
    name: &str,
    sets: &ExpectationSets,
) -> Problem {
    let problem = Problem::new(
        source,
        span,
        format!("there is no set of expectations named `{name}`"),
    );
    match nearest(name, sets.keys().map(String::as_str)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    }
}

fn check_id(source: &Arc<Source>, id: &Spanned<String>, problems: &mut Problems) {
    let text = id.get_ref();
    let parts: Vec<&str> = text.split('/').collect();
    let is_word = |part: &&str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b))
    };
    if parts.len() < 2 || !parts.iter().all(is_word) {
        let message = format!("`{text}` is no id: it wants `area/topic/detail` in small letters");
        problems.push(Problem::new(source, id.span(), message));
        return;
    }
    let path = source.name.replace('\\', "/");
    if !path.ends_with(&format!("{text}.toml")) {
        problems.push(
            Problem::new(
                source,
                id.span(),
                format!("the id `{text}` is not the path of the file"),
            )
            .help(format!("the file would be `…/{text}.toml`")),
        );
    }
}

fn step(file: RunFile) -> Result<Step, String> {
    let job_protocol = match file.job {
        Some(Job::Send) => Some(Protocol::Smtp),
        Some(Job::Fetch | Job::List | Job::Append | Job::Idle) => Some(Protocol::Imap),
        Some(Job::TestConnection) | None => None,
    };
    let carrier = file.carrier;
    let protocol = agree(
        "protocol",
        [
            ("job", job_protocol),
            ("carrier", carrier.map(|it| it.protocol())),
            ("port", file.port.map(PortRole::protocol)),
            ("protocol", file.protocol),
        ],
    )?
    .ok_or(
        "a run wants a `job`, a `carrier`, a `port` or a `protocol`, so that the protocol is known",
    )?;
    let security = agree(
        "security",
        [
            ("carrier", carrier.map(|it| it.security())),
            ("security", file.security),
        ],
    )?
    .unwrap_or(Security::Implicit);
    let job = file.job.unwrap_or(match protocol {
        Protocol::Smtp => Job::Send,
        Protocol::Imap => Job::Fetch,
    });
    let trust = file.trust.unwrap_or(Trust::Ca);
    if file.ca_file.is_some_and(|it| it != CaFile::default()) && trust != Trust::Ca {
        return Err("`ca-file` goes with `trust = \"ca\"`".to_owned());
    }
    let to = file.to.unwrap_or_else(|| vec![Party::Other]);
    if to.is_empty() {
        return Err("`to` is empty".to_owned());
    }
    Ok(Step {
        job,
        protocol,
        security,
        trust,
        ca_file: file.ca_file.unwrap_or_default(),
        store: file.store.unwrap_or_default(),
        crl: file.crl.unwrap_or_default(),
        host: file.host.unwrap_or(Host::Name),
        port: file
            .port
            .unwrap_or_else(|| PortRole::usual(protocol, security)),
        source: source_number(file.source)?.unwrap_or(1),
        auth: file.auth.unwrap_or(Auth::Password),
        account: file.account.unwrap_or_else(|| "a".to_owned()),
        from: file.from.unwrap_or(Party::Own),
        to,
        message: file.message.unwrap_or(Message::Simple),
        mailbox: file.mailbox.unwrap_or_else(|| "INBOX".to_owned()),
        process: file.process.unwrap_or(Process::New),
    })
}

/// The client has three addresses.
fn source_number(number: Option<u16>) -> Result<Option<u16>, String> {
    match number {
        Some(number) if !(1..=SOURCES).contains(&number) => Err(format!(
            "`source = {number}` can never be, the client has {SOURCES} addresses"
        )),
        number => Ok(number),
    }
}

fn agree<T: Copy + PartialEq + std::fmt::Display, const N: usize>(
    what: &str,
    claims: [(&str, Option<T>); N],
) -> Result<Option<T>, String> {
    let mut agreed: Option<(&str, T)> = None;
    for (name, value) in claims {
        let Some(value) = value else { continue };
        match agreed {
            Some((other, before)) if before != value => {
                return Err(format!(
                    "`{other}` says {what} {before}, but `{name}` says {value}"
                ));
            }
            _ => agreed = Some((name, value)),
        }
    }
    Ok(agreed.map(|(_, value)| value))
}

fn setup(
    source: &Arc<Source>,
    server: Option<Spanned<ServerFile>>,
    file: SetupFile,
    personas: &Personas,
    problems: &mut Problems,
) -> Setup {
    let mut setup = Setup::default();
    if let Some(server) = server {
        let server = server.into_inner();
        let mut choose = |name: Option<Spanned<String>>, protocols: &[Protocol]| {
            let Some(name) = name else { return };
            let Some(persona) = personas.get(name.get_ref()) else {
                let message = format!("there is no persona `{}`", name.get_ref());
                let problem = Problem::new(source, name.span(), message);
                problems.push(
                    match nearest(name.get_ref(), personas.keys().map(String::as_str)) {
                        Some(near) => problem.help(format!("did you mean `{near}`?")),
                        None => problem,
                    },
                );
                return;
            };
            let mut used = false;
            for protocol in protocols.iter().copied().filter(|it| persona.speaks(*it)) {
                used = true;
                match protocol {
                    Protocol::Smtp => setup.smtp.clone_from(name.get_ref()),
                    Protocol::Imap => setup.imap.clone_from(name.get_ref()),
                }
            }
            if !used {
                let message = format!(
                    "persona `{}` does not speak {}",
                    name.get_ref(),
                    protocols[0]
                );
                problems.push(Problem::new(source, name.span(), message));
            }
        };
        choose(server.persona, &[Protocol::Smtp, Protocol::Imap]);
        choose(server.smtp, &[Protocol::Smtp]);
        choose(server.imap, &[Protocol::Imap]);
    }
    for port in file.ports {
        match port.role {
            Some(role) => setup.ports.push((role, port.is)),
            None => problems.push(Problem::new(
                source,
                source.find("ports"),
                "a port of the setup wants its `role`",
            )),
        }
    }
    setup.chain = file.chain.map(chain).unwrap_or_default();
    setup.messages = file.messages.unwrap_or(setup.messages);
    setup.requires_auth = file.requires_auth;
    setup.auth_in_clear = file.auth_in_clear;
    setup.without = file.without;
    setup.greeting_capability = file.greeting_capability;
    for dns in file.dns {
        match dns_change(dns) {
            Ok(change) => setup.dns.push(change),
            Err(message) => problems.push(Problem::new(source, source.find("dns"), message)),
        }
    }
    setup
}

fn dns_change(file: DnsFile) -> Result<DnsChange, String> {
    let DnsFile { host, a, aaaa } = file;
    match host {
        Some(Host::Alias) => Err("an alias has no addresses, its `target` has".to_owned()),
        Some(host) if host.is_address() => Err(format!("`{host}` is no name")),
        _ if a.is_none() && aaaa.is_none() => Err("`dns` wants `a` or `aaaa`, or both".to_owned()),
        host => Ok(DnsChange { host, a, aaaa }),
    }
}

pub(super) fn chain(file: ChainFile) -> ChainSpec {
    match file {
        ChainFile::Fault(fault) => ChainSpec::of(fault),
        ChainFile::Full(full) => ChainSpec {
            fault: full.fault,
            variant: full.variant,
            host: full.host,
        },
    }
}

fn delta(
    source: &Arc<Source>,
    deviate: Vec<Spanned<DeviateFile>>,
    vary: Vec<Spanned<VaryFile>>,
    steps: &[Step],
    problems: &mut Problems,
) -> Delta {
    if let (Some(_), Some(second)) = (deviate.first(), vary.first()) {
        let message = "a scenario has one delta: `[[deviate]]` or `[[vary]]`, not both";
        problems.push(
            Problem::new(source, second.span(), message)
                .help("put what is common into `[setup]` or `run`"),
        );
        return Delta::None;
    }
    if !deviate.is_empty() {
        let mut deviations = Vec::new();
        for file in deviate {
            let span = file.span();
            match deviation(source, file.into_inner(), span, steps) {
                Ok(deviation) => deviations.push(deviation),
                Err(problem) => problems.push(problem),
            }
        }
        return Delta::Deviate(deviations);
    }
    if vary.is_empty() {
        return Delta::None;
    }
    let mut changes = Vec::new();
    for file in vary {
        let span = file.span();
        let file = file.into_inner();
        let number = file.run.unwrap_or(1);
        let Some(base) = usize::from(number)
            .checked_sub(1)
            .and_then(|at| steps.get(at))
        else {
            problems.push(Problem::new(
                source,
                span,
                format!("there is no run {number}"),
            ));
            continue;
        };
        match varied(base, file.with) {
            Ok(with) if with == *base => {
                problems.push(Problem::new(source, span, "this changes nothing"));
            }
            Ok(with) => changes.push(Vary { step: number, with }),
            Err(message) => problems.push(Problem::new(source, span, message)),
        }
    }
    Delta::Vary(changes)
}

fn varied(base: &Step, with: RunFile) -> Result<Step, String> {
    step(RunFile {
        job: Some(with.job.unwrap_or(base.job)),
        carrier: None,
        protocol: Some(
            with.protocol
                .or(with.carrier.map(|it| it.protocol()))
                .unwrap_or(base.protocol),
        ),
        security: Some(
            with.security
                .or(with.carrier.map(|it| it.security()))
                .unwrap_or(base.security),
        ),
        trust: Some(with.trust.unwrap_or(base.trust)),
        ca_file: Some(with.ca_file.unwrap_or(base.ca_file)),
        store: Some(with.store.unwrap_or(base.store)),
        crl: Some(with.crl.unwrap_or(base.crl)),
        host: Some(with.host.unwrap_or(base.host)),
        port: with
            .port
            .or(if with.carrier.is_some() || with.security.is_some() {
                None
            } else {
                Some(base.port)
            }),
        source: Some(with.source.unwrap_or(base.source)),
        auth: Some(with.auth.unwrap_or(base.auth)),
        account: Some(with.account.unwrap_or_else(|| base.account.clone())),
        from: Some(with.from.unwrap_or(base.from)),
        to: Some(with.to.unwrap_or_else(|| base.to.clone())),
        message: Some(with.message.unwrap_or(base.message)),
        mailbox: Some(with.mailbox.unwrap_or_else(|| base.mailbox.clone())),
        process: Some(with.process.unwrap_or(base.process)),
    })
}

fn deviation(
    source: &Arc<Source>,
    file: DeviateFile,
    span: Range<usize>,
    steps: &[Step],
) -> Result<Deviation, Problem> {
    let problem = |message: String| Problem::new(source, span.clone(), message);
    let on = on(source, file.on, steps)?;
    let then = file.then;
    let mut actions = Vec::new();
    let mut add = |action: Option<Action>| actions.extend(action);
    add(file.chain.map(|it| Action::Chain(chain(it))));
    add(file.port.map(|it| {
        Action::Port(PortChange {
            role: it.role,
            is: it.is,
        })
    }));
    let dns = file.dns.map(dns_change).transpose().map_err(&problem)?;
    add(dns.map(Action::Dns));
    let tls = file.tls.map(tls::lower).transpose().map_err(&problem)?;
    add(tls.map(Action::Tls));
    let mut hold_ms = file.hold_ms;
    add(file
        .before_server_hello
        .map(|text| Action::BeforeServerHello {
            text,
            hold_ms: hold_ms.take().unwrap_or(0),
        }));
    add(file.without.map(Action::Without));
    add(file.announce.map(Action::Announce));
    add(file.reject.map(Action::Reject));
    add(file.preauth.map(Action::Preauth));
    add(file.reply.map(|text| Action::Reply {
        text,
        then: then.unwrap_or_default(),
    }));
    add(file.before.map(Action::Before));
    add(file.after.map(|text| Action::After {
        text,
        then: then.unwrap_or_default(),
    }));
    add(file.drop.then(|| Action::Drop {
        then: then.unwrap_or_default(),
    }));
    add(file.replace.map(Action::Replace));
    add(file.split.map(|split| Action::Split {
        split,
        gap_ms: file.gap_ms.unwrap_or(0),
    }));
    add(file.stop_reading.then_some(Action::StopReading {
        resume_ms: file.resume_ms,
    }));
    add(hold_ms.map(|ms| Action::Hold { ms }));
    let takes_then = |action: &Action| {
        matches!(
            action,
            Action::Reply { .. } | Action::After { .. } | Action::Drop { .. }
        )
    };
    let action = match (actions.len(), then) {
        (0, Some(then)) => Action::Then(then),
        (0, None) => {
            return Err(problem("a deviation wants to say what happens: `chain`, `port`, `dns`, `tls`, `before_server_hello`, `without`, \
                 `announce`, `reject`, `preauth`, `reply`, `before`, `after`, `drop`, `replace`, `split`, \
                 `hold_ms`, `stop_reading` or `then`".to_owned()));
        }
        (1, _) => actions.remove(0),
        _ => {
            let names: Vec<_> = actions
                .iter()
                .map(|it| format!("`{}`", it.name()))
                .collect();
            return Err(problem(format!(
                "a deviation does one thing, this has {}",
                names.join(" and ")
            )));
        }
    };
    if then.is_some() && !takes_then(&action) && !matches!(action, Action::Then(_)) {
        return Err(problem(format!(
            "`then` does not go with `{}`",
            action.name()
        )));
    }
    if file.gap_ms.is_some() && !matches!(action, Action::Split { .. }) {
        return Err(problem("`gap_ms` goes with `split`".to_owned()));
    }
    if file.resume_ms.is_some() && !matches!(action, Action::StopReading { .. }) {
        return Err(problem("`resume_ms` goes with `stop_reading`".to_owned()));
    }
    let of_the_world = matches!(
        action,
        Action::Chain(_)
            | Action::Port(_)
            | Action::Dns(_)
            | Action::Tls(_)
            | Action::BeforeServerHello { .. }
            | Action::Without(_)
            | Action::Announce(_)
    );
    let only_run = On {
        step: on.step,
        ..On::default()
    };
    if matches!(action, Action::Dns(_)) && on != only_run {
        return Err(problem(
            "`dns` is narrowed by `run` only: who asks has not connected yet".to_owned(),
        ));
    }
    match (&on.at, of_the_world) {
        (None, false) => Err(problem(format!(
            "`{}` wants to know where: `on = {{ command = \"…\" }}` or `on = {{ at = \"…\" }}`",
            action.name()
        ))),
        (Some(_), true) => Err(problem(format!(
            "`{}` belongs to the world, not to a command",
            action.name()
        ))),
        _ => Ok(Deviation { on, action }),
    }
}

fn on(source: &Arc<Source>, file: OnFile, steps: &[Step]) -> Result<On, Problem> {
    let at = match (&file.command, file.at) {
        (Some(command), Some(_)) => {
            return Err(Problem::new(
                source,
                command.span(),
                "either `command` or `at`, not both",
            ));
        }
        (Some(command), None) => Some(At::Command(command.get_ref().to_ascii_uppercase())),
        (None, Some(MomentFile::Greeting)) => Some(At::Greeting),
        (None, Some(MomentFile::EndOfData)) => Some(At::EndOfData),
        (None, Some(MomentFile::AuthResponse)) => Some(At::AuthResponse),
        (None, Some(MomentFile::Literal)) => Some(At::Literal),
        (None, Some(MomentFile::TlsStart)) => Some(At::TlsStart),
        (None, None) => None,
    };
    if let Some(run) = file.run
        && (run == 0 || usize::from(run) > steps.len())
    {
        let message = format!("`run = {run}` can never be, there are {}", steps.len());
        return Err(Problem::new(
            source,
            source.find(&format!("run = {run}")),
            message,
        ));
    }
    if matches!(file.source, Some(number) if steps.iter().all(|it| it.source != number)) {
        let message = "no run comes from that address";
        return Err(Problem::new(source, source.find("source ="), message));
    }
    Ok(On {
        at,
        protocol: file.protocol,
        step: file.run,
        connection: file.connection,
        nth: file.nth,
        channel: file.channel,
        unit: file.unit,
        when: file.when,
        address: file.address,
        family: file.family,
        source: file.source,
    })
}

fn pattern(file: PatternFile) -> Result<Pattern, String> {
    let table = match file {
        PatternFile::Sign(sign) => return Ok(Pattern::Sign(sign)),
        PatternFile::Table(table) => table,
    };
    let channel = table.channel;
    let commands: Vec<String> = table
        .command
        .iter()
        .map(|it| it.to_ascii_uppercase())
        .collect();
    if table.times.is_some() && commands.is_empty() {
        return Err("`times` goes with `command`".to_owned());
    }
    let is_wire = !commands.is_empty() || table.octets.is_some();
    if channel.is_some() && !is_wire {
        return Err("`channel` goes with `command` and `octets`".to_owned());
    }
    match (commands.is_empty(), table.octets, table.told, table.alert) {
        (false, None, None, alert) if alert.is_empty() => Ok(Pattern::Command {
            commands,
            channel,
            times: table.times,
        }),
        (true, Some(text), None, alert) if alert.is_empty() => {
            Ok(Pattern::Octets { text, channel })
        }
        (true, None, Some(text), alert) if alert.is_empty() => Ok(Pattern::Told { text }),
        (true, None, None, alert) if !alert.is_empty() => Ok(Pattern::Alert(alert)),
        _ => Err("a pattern is one of `command`, `octets`, `told`, `alert`".to_owned()),
    }
}

fn needs(declared: Vec<Need>, steps: &[Step], delta: &Delta, setup: &Setup) -> Vec<Need> {
    let mut needs = declared;
    let varied = match delta {
        Delta::Vary(changes) => changes.iter().map(|it| &it.with).collect(),
        _ => Vec::new(),
    };
    let steps: Vec<&Step> = steps.iter().chain(varied).collect();
    let chains: Vec<&ChainSpec> = std::iter::once(&setup.chain)
        .chain(delta.chains())
        .collect();
    let mut hosts = (steps.iter().map(|it| it.host)).chain(chains.iter().filter_map(|it| it.host));
    if hosts.any(Host::needs_names) || chains.iter().any(|it| is_about_labels(it.fault)) {
        needs.push(Need::Names);
    }
    let by_address = |it: &Deviation| {
        let on = &it.on;
        matches!(it.action, Action::Dns(_))
            || on.address.is_some()
            || on.family.is_some()
            || on.source.is_some()
    };
    if steps.iter().any(|it| it.source != 1)
        || !setup.dns.is_empty()
        || matches!(delta, Delta::Deviate(deviations) if deviations.iter().any(by_address))
    {
        needs.push(Need::Addresses);
    }
    let unseen = PortState::lets_nobody_in;
    let from_delta = match delta {
        Delta::Deviate(deviations) => deviations
            .iter()
            .any(|it| matches!(&it.action, Action::Port(change) if unseen(&change.is))),
        _ => false,
    };
    if from_delta || setup.ports.iter().any(|(_, state)| unseen(state)) {
        needs.push(Need::Packets);
    }
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// Whether a chain can only be shown with a name of several labels, which `localhost` is not.
fn is_about_labels(fault: Fault) -> bool {
    matches!(
        fault.needs(),
        Needs::Labels(_) | Needs::LongFirstLabel(_) | Needs::Internationalised
    )
}

fn waits(delta: &Delta) -> bool {
    let Delta::Deviate(deviations) = delta else {
        return false;
    };
    deviations.iter().any(|it| match &it.action {
        Action::Port(change) => {
            matches!(
                change.is,
                PortState::Blackhole | PortState::Silent | PortState::Implicit | PortState::Http
            )
        }
        Action::Tls(change) => matches!(
            change.act,
            TlsAct::Break {
                then: Then::Silence,
                ..
            }
        ),
        Action::Drop { .. } => true,
        Action::Reply { then, .. } | Action::After { then, .. } | Action::Then(then) => {
            matches!(then, Then::Silence | Then::Vanish)
        }
        Action::StopReading { .. } => true,
        Action::Hold { ms } | Action::BeforeServerHello { hold_ms: ms, .. } => *ms > 200,
        Action::Split { gap_ms, .. } => *gap_ms > 5,
        _ => false,
    })
}

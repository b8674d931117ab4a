//! Each flaw is seen: with it the client does what it must not, without it the same client before the same
//! server does not. The match is exhaustive, so a new flaw does not compile without its row.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mailproof_certs::{Fault, Names};
use mailproof_scenarios::model::{Auth, Flaw, Job, Protocol, Security, Trust, event::Said};

use rustls::{NamedGroup, ServerConfig, crypto::CryptoProvider, server::WebPkiClientVerifier};

use super::flight::{flight, record, records};
use super::world::{CANONICAL_NAME, Outcome, run_all};
use crate::subject::Request;
use crate::subjects::test_server::{AUTHORITY, PASSWORD, Server, Then, file, request, tls_config};
use Job::{Append, Fetch, List, Send};
use Protocol::{Imap, Smtp};
use Security::{Implicit, None as Clear, StarttlsOptional, StarttlsRequired};

const V4: &str = "127.0.0.1";

static OLD: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// What is asked before which server, and what shows the flaw.
type Row = (Vec<(Request, Server)>, fn(&Outcome) -> bool);

fn row(flaw: Flaw) -> Row {
    let succeeds = |it: &Outcome| it.said() == Said::Success;
    let fails = |it: &Outcome| it.said() != Said::Success;
    let leaks = |it: &Outcome| it.leaked();
    let served = |fault| Server::new(Smtp, Implicit).with(|it| it.fault = fault);
    let chain = |fault| {
        (
            vec![(request(Smtp, Send, Implicit), served(fault))],
            succeeds as fn(&_) -> _,
        )
    };
    let smtp = |security, change: fn(Server) -> Server| {
        vec![(
            request(Smtp, Send, security),
            change(Server::new(Smtp, security)),
        )]
    };
    let imap = |security, change: fn(Server) -> Server| {
        vec![(
            request(Imap, Fetch, security),
            change(Server::new(Imap, security)),
        )]
    };
    let trusting = |trust, account: &str, fault| {
        let mut request = request(Smtp, Send, Implicit);
        request.trust = trust;
        request.account = account.to_owned();
        (request, served(fault))
    };
    // The host and its names are such that the fault can be shown.
    let fitting = |fault: Fault| {
        let names = Names::dns("localhost").fitting(fault.needs());
        let mut step = trusting(Trust::Ca, "a", fault);
        step.0.host = match names.ip.first() {
            Some(address) => address.to_string(),
            None => names.dns[0].clone(),
        };
        step
    };
    let refuses = |it: &Outcome| it.said() == Said::RefusedTls;
    match flaw {
        Flaw::AcceptsAnyCertificate => chain(Fault::SelfSigned),
        Flaw::SkipsVerificationAfterStarttls => {
            let steps = smtp(StarttlsRequired, |it| {
                it.with(|it| it.fault = Fault::SelfSigned)
            });
            (steps, succeeds)
        }
        Flaw::SkipsVerificationOnSmtp => chain(Fault::UnknownRoot),
        Flaw::IgnoresValidity => chain(Fault::ExpiredLeaf),
        Flaw::IgnoresIssuerValidity => chain(Fault::ExpiredIntermediate),
        Flaw::IgnoresName => chain(Fault::WrongHost),
        Flaw::IgnoresAnchor => chain(Fault::UnknownRoot),
        Flaw::IgnoresBasicConstraints => chain(Fault::IntermediateNotCa),
        Flaw::IgnoresKeyUsage => chain(Fault::WrongEku),
        Flaw::IgnoresProof => chain(Fault::WrongKey),
        Flaw::AlwaysTrustDropsTls => {
            let mut request = request(Smtp, Send, StarttlsRequired);
            request.trust = Trust::Always;
            let server = Server::new(Smtp, StarttlsRequired).with(|it| it.clear = "AUTH=PLAIN");
            (vec![(request, server)], leaks)
        }
        Flaw::AlwaysTrustLeaks => {
            let first = trusting(Trust::Always, "a", Fault::Valid);
            let second = trusting(Trust::Ca, "b", Fault::SelfSigned);
            (vec![first, second], succeeds)
        }
        Flaw::RemembersExceptions => {
            let first = trusting(Trust::Always, "a", Fault::SelfSigned);
            let second = trusting(Trust::Ca, "a", Fault::SelfSigned);
            (vec![first, second], succeeds)
        }
        Flaw::AlwaysTrustStillVerifies => {
            let step = trusting(Trust::Always, "a", Fault::SelfSigned);
            (vec![step], |it| it.said() == Said::RefusedTls)
        }
        Flaw::IgnoresPin => {
            let mut step = trusting(Trust::Pin, "a", Fault::Valid);
            let names = Names::dns("localhost");
            let another = AUTHORITY.chain_variant(Fault::Valid, &names, 7).unwrap();
            step.0.pin_file = Some(file("another-pin.pem", &another.sent_pem()));
            (vec![step], succeeds)
        }
        Flaw::AcceptsOldTls => agrees(flight([3, 1], 0x2f, &[7; 8], &[])),
        Flaw::IgnoresDowngradeSentinel => agrees(flight([3, 3], 0xc02b, b"DOWNGRD\x01", &[])),
        Flaw::AcceptsUnofferedSuite => agrees(flight([3, 3], 0xc006, &[7; 8], &[])),
        Flaw::OffersWeakSuites => agrees(flight([3, 3], 0xc008, &[7; 8], &[])),
        Flaw::AcceptsUnofferedAlpn => {
            let protocol = [0, 16, 0, 5, 0, 3, 2, b'h', b'2'];
            agrees(flight([3, 3], 0xc02b, &[7; 8], &protocol))
        }
        Flaw::IgnoresBrokenCaFile => {
            let mut step = trusting(Trust::Ca, "a", Fault::SelfSigned);
            step.0.ca_file = file("empty.pem", "");
            (vec![step], succeeds)
        }
        Flaw::AddsSystemAuthorities => {
            let mut step = trusting(Trust::Ca, "a", Fault::UnknownRoot);
            step.0.store_file = Some(file("store.pem", AUTHORITY.other_root_pem()));
            (vec![step], succeeds)
        }
        Flaw::VerifiesOnlyWhenTold => {
            let step = trusting(Trust::Default, "a", Fault::SelfSigned);
            (vec![step], succeeds)
        }
        Flaw::TrustsIssuerName => (vec![fitting(Fault::SameNameOtherKeyRoot)], succeeds),
        Flaw::SkipsLeafSignature => (vec![fitting(Fault::BadSignatureLeaf)], succeeds),
        Flaw::SkipsUnknownSignatures => (vec![fitting(Fault::Sha1Leaf)], succeeds),
        Flaw::AcceptsShortKeys => (vec![fitting(Fault::Rsa1024Intermediate)], succeeds),
        Flaw::GivesADayOfGrace => (vec![fitting(Fault::ExpiredJustNow)], succeeds),
        Flaw::IgnoresPathLength => (vec![fitting(Fault::PathLengthViolated)], succeeds),
        Flaw::IgnoresKeyCertSign => (vec![fitting(Fault::NoKeyCertSign)], succeeds),
        Flaw::IgnoresNameConstraints => (vec![fitting(Fault::ConstraintExcluded)], succeeds),
        Flaw::IgnoresWildcardsInConstraints => {
            (vec![fitting(Fault::ConstraintExcludedWildcard)], succeeds)
        }
        Flaw::IgnoresCriticalExtensions => (vec![fitting(Fault::UnknownCriticalLeaf)], succeeds),
        Flaw::AcceptsMalformed => (vec![fitting(Fault::DuplicateSan)], succeeds),
        Flaw::FallsBackToCommonName => (vec![fitting(Fault::CnMatchesSanDoesNot)], succeeds),
        Flaw::WildcardsMatchDeeply => (vec![fitting(Fault::WildcardTwoLevels)], succeeds),
        Flaw::WildcardsMatchTheApex => (vec![fitting(Fault::WildcardApex)], succeeds),
        Flaw::WildcardsMatchInPart => (vec![fitting(Fault::WildcardPrefix)], succeeds),
        Flaw::WildcardsMatchAnywhere => (vec![fitting(Fault::WildcardMiddle)], succeeds),
        Flaw::WildcardsMatchEverything => (vec![fitting(Fault::WildcardBare)], succeeds),
        Flaw::SkipsNameOfAddresses => (vec![fitting(Fault::NoAddress)], succeeds),
        Flaw::ComparesAddressesAsText => (vec![fitting(Fault::AddressAsDnsName)], succeeds),
        Flaw::StopsAtNul => (vec![fitting(Fault::NulInDnsName)], succeeds),
        Flaw::BelievesAnyKindOfName => (vec![fitting(Fault::UriIdOnly)], succeeds),
        Flaw::IgnoresStaple => (vec![fitting(Fault::StapleRevoked)], succeeds),
        Flaw::IgnoresMustStaple => (vec![fitting(Fault::MustStapleMissing)], succeeds),
        Flaw::BelievesAnyStaple => (vec![fitting(Fault::MustStapleGarbage)], succeeds),
        Flaw::IgnoresIntermediates => (vec![fitting(Fault::Valid)], refuses),
        Flaw::NeedsChainInOrder => (vec![fitting(Fault::ShuffledChain)], refuses),
        Flaw::TakesTheFirstPathOnly => (vec![fitting(Fault::CrossSignedOneExpired)], refuses),
        Flaw::ChokesOnLateDates => (vec![fitting(Fault::EndsAfter2050)], refuses),
        Flaw::NeedsAPurpose => (vec![fitting(Fault::NoEku)], refuses),
        Flaw::RefusesNameConstraints => (vec![fitting(Fault::ConstraintKept)], refuses),
        Flaw::KnowsP256Only => (vec![fitting(Fault::P384Leaf)], refuses),
        Flaw::RefusesWildcards => (vec![fitting(Fault::Wildcard)], refuses),
        Flaw::ComparesLetterCase => (vec![fitting(Fault::MixedCaseName)], refuses),
        Flaw::ReadsFewNames => (vec![fitting(Fault::ThousandNames)], refuses),
        Flaw::RefusesStaples => (vec![fitting(Fault::StapleGood)], refuses),
        Flaw::KnowsNoAddresses => {
            let (mut request, server) = fitting(Fault::NoAddress);
            request.host = "127.0.0.1".to_owned();
            let server = server.with(|it| {
                it.fault = Fault::Valid;
                it.names = Some(Names {
                    dns: Vec::new(),
                    ip: vec![std::net::Ipv4Addr::LOCALHOST.into()],
                });
            });
            (vec![(request, server)], refuses)
        }
        Flaw::KnowsNoULabels => {
            let mut step = trusting(Trust::Ca, "a", Fault::Valid);
            step.0.host = "bücher.example".to_owned();
            step.1 = step.1.with(|it| {
                it.names = Some(Names::dns("xn--bcher-kva.example"));
            });
            (vec![step], refuses)
        }
        Flaw::ComparesULabels => {
            let mut step = trusting(Trust::Ca, "a", Fault::UnicodeDnsName);
            step.0.host = "bücher.example".to_owned();
            step.1 = step.1.with(|it| {
                it.names = Some(Names::dns("xn--bcher-kva.example"));
            });
            (vec![step], succeeds)
        }
        Flaw::FollowsTheAlias => {
            let mut step = trusting(Trust::Ca, "a", Fault::Valid);
            step.1 = step
                .1
                .with(|it| it.names = Some(Names::dns(CANONICAL_NAME)));
            (vec![step], succeeds)
        }
        Flaw::IgnoresCrl => {
            let (mut request, server) = fitting(Fault::CrlRevoked);
            let chain = AUTHORITY
                .chain(Fault::CrlRevoked, &Names::dns("localhost"))
                .unwrap();
            request.crl_file = Some(file("revoked.pem", &chain.crls_pem()));
            (vec![(request, server)], succeeds)
        }
        Flaw::WaitsForConsent => {
            let step = trusting(Trust::Ca, "a", Fault::SelfSigned);
            (vec![step], |it| it.text() == "HANG")
        }
        Flaw::PinLeaks => {
            let mut first = trusting(Trust::Pin, "a", Fault::SelfSigned);
            let names = Names::dns("localhost");
            let pinned = AUTHORITY.chain(Fault::SelfSigned, &names).unwrap();
            first.0.pin_file = Some(file("pin-of-a.pem", &pinned.sent_pem()));
            let second = trusting(Trust::Ca, "b", Fault::SelfSigned);
            (vec![first, second], succeeds)
        }
        Flaw::TakesSilenceForConsent => {
            let step = trusting(Trust::Ca, "a", Fault::SelfSigned);
            (vec![step], succeeds)
        }
        Flaw::RetriesAfterCertificate => {
            let step = trusting(Trust::Ca, "a", Fault::SelfSigned);
            (vec![step], |it| it.count("connect") == 6)
        }
        Flaw::IgnoresRecordLimit => {
            let [hello, _, done] = records([3, 3], 0xc02b, &[7; 8], &[]);
            let mut certificate = vec![22, 3, 3, 0x49, 0x2c, 11, 0, 0x49, 0x28];
            certificate.extend([0; 0x4928]);
            agrees([hello, certificate, done].concat())
        }
        Flaw::ChokesOnHelloRetry => {
            let only = |it: &mut CryptoProvider| {
                it.kx_groups
                    .retain(|group| group.name() == NamedGroup::secp384r1);
            };
            let mut server = Server::new(Smtp, Implicit);
            server.config = Some(tls_config(&server, only, |_| {}));
            (vec![(request(Smtp, Send, Implicit), server)], fails)
        }
        Flaw::ChokesOnSmallRecords => (raw(record([3, 3], &[2])), |it| {
            it.text().contains("half a handshake message")
        }),
        Flaw::ChokesOnTickets => (raw([20, 3, 3, 0, 1, 1].repeat(65)), |it| {
            it.text().contains("much and nothing")
        }),
        Flaw::ChokesOnCertificateRequest => {
            let mut server = Server::new(Smtp, Implicit);
            server.config = Some(asks_for_certificate(&server));
            (vec![(request(Smtp, Send, Implicit), server)], fails)
        }
        Flaw::StuckOnCloseNotify => (raw(vec![21, 3, 3, 0, 2, 1, 0]), |it| it.text() == "HANG"),
        Flaw::StuckOnHelloRequest => (raw(vec![23, 3, 3, 0, 1, 0, 22, 3, 3, 0, 1, 0]), |it| {
            it.text() == "HANG"
        }),
        Flaw::ExcusesUnrecognizedName => {
            let server = served(Fault::WrongHost).with(|it| {
                it.warns = true;
                it.versions = OLD;
            });
            (vec![(request(Smtp, Send, Implicit), server)], succeeds)
        }
        Flaw::NoServerName => (smtp(Implicit, |it| it), |it| it.saw("handshake None")),
        Flaw::AddressAsServerName => {
            let mut request = request(Smtp, Send, Implicit);
            request.host = "127.0.0.1".to_owned();
            let server = Server::new(Smtp, Implicit);
            (vec![(request, server)], |it| it.count("connect") == 2)
        }
        Flaw::ResumesAcrossAccounts => {
            let keeps = |(request, mut server): (Request, Server)| {
                static KEPT: OnceLock<Arc<ServerConfig>> = OnceLock::new();
                let config = KEPT.get_or_init(|| tls_config(&server, |_| {}, |_| {}));
                server.config = Some(config.clone());
                (request, server)
            };
            let steps = vec![
                keeps(trusting(Trust::Always, "a", Fault::SelfSigned)),
                keeps(trusting(Trust::Ca, "b", Fault::SelfSigned)),
            ];
            (steps, succeeds)
        }
        Flaw::VerifiesOnce => {
            let steps = vec![
                trusting(Trust::Ca, "a", Fault::Valid),
                trusting(Trust::Ca, "a", Fault::SelfSigned),
            ];
            (steps, succeeds)
        }
        Flaw::SignsInEarly => {
            let server = Server::new(Smtp, Implicit);
            let early = |it: &mut ServerConfig| it.max_early_data_size = 1000;
            let config = tls_config(&server, |_| {}, early);
            let server = server.with(|it| it.config = Some(config));
            let step = || (request(Smtp, Send, Implicit), server.clone());
            let steps = vec![step(), step()];
            (steps, |it| {
                it.saw("early EHLO early.example\\r\\nAUTH PLAIN")
            })
        }
        Flaw::TakesCutForEnd => {
            let half = "* 1 FETCH (UID 1 BODY[] {1000}\r\nhalf";
            let mut steps = imap(Implicit, |it| it);
            steps[0].1 = steps[0].1.clone().instead("UID", half, Then::Close);
            (steps, succeeds)
        }
        Flaw::NeedsCloseNotify => (
            smtp(Implicit, |it| {
                it.instead("QUIT", "221 2.0.0 Bye\r\n", Then::Close)
            }),
            fails,
        ),
        Flaw::ContinuesInClear => (
            smtp(StarttlsRequired, |it| {
                it.with(|it| it.clear = "AUTH=PLAIN STARTTLS").instead(
                    "STARTTLS",
                    "454 4.7.0 no\r\n",
                    Then::Clear,
                )
            }),
            leaks,
        ),
        Flaw::HeloFallbackInClear => (
            smtp(StarttlsRequired, |it| {
                it.reply("EHLO", "502 5.5.1 what\r\n")
            }),
            |it| it.leaked() && it.saw("clear MAIL"),
        ),
        Flaw::AuthBeforeTls => (smtp(StarttlsRequired, |it| it), |it| {
            it.leaked() && it.said() == Said::Success
        }),
        Flaw::KeepsClearBuffer => (
            smtp(StarttlsRequired, |it| {
                let injected = "220 go\r\n250-mx.test\r\n250 AUTH PLAIN\r\n";
                it.instead("STARTTLS", injected, Then::Tls)
                    .instead("tls:EHLO", "", Then::Silence)
            }),
            |it| it.saw("(unanswered) AUTH PLAIN"),
        ),
        Flaw::KeepsClearCapabilities => (
            smtp(StarttlsRequired, |it| {
                it.with(|it| {
                    it.clear = "STARTTLS AUTH=LOGIN";
                    it.secure = "SIZE";
                })
            }),
            |it| it.saw("tls AUTH LOGIN"),
        ),
        Flaw::StarttlsAnyReplyInClear => (
            smtp(StarttlsRequired, |it| {
                it.with(|it| it.clear = "STARTTLS AUTH=PLAIN").instead(
                    "STARTTLS",
                    "250 ok\r\n",
                    Then::Clear,
                )
            }),
            leaks,
        ),
        Flaw::ClearAfterFailedHandshake => (
            smtp(StarttlsRequired, |it| {
                it.with(|it| it.clear = "STARTTLS AUTH=PLAIN").instead(
                    "STARTTLS",
                    "220 go\r\n",
                    Then::Garbage,
                )
            }),
            leaks,
        ),
        Flaw::ClearRetry => (
            smtp(StarttlsRequired, |it| {
                it.with(|it| {
                    it.fault = Fault::SelfSigned;
                    it.clear = "STARTTLS AUTH=PLAIN";
                })
            }),
            leaks,
        ),
        Flaw::TriesOtherPorts => (
            smtp(Implicit, |it| it.with(|it| it.closed_port = Some(4711))),
            |it| it.saw("connect 587"),
        ),
        Flaw::KeepsClearData => {
            let told = "* LIST () \"/\" Forged\r\n* 54321 EXISTS\r\n* 1 EXPUNGE\r\n";
            let server = || Server::new(Imap, StarttlsRequired).before("STARTTLS", told);
            let list = request(Imap, List, StarttlsRequired);
            let fetch = request(Imap, Fetch, StarttlsRequired);
            (vec![(list, server()), (fetch, server())], |it| {
                it.saw("tls A0006 STATUS Forged")
                    && it.saw("tls A0006 FETCH 54321")
                    && it.saw("tls A0007 UID FETCH 2:*")
            })
        }
        Flaw::ShowsClearAlerts => (
            imap(StarttlsRequired, |it| {
                it.reply("greeting", "* OK [ALERT] call us\r\n")
            }),
            |it| it.text().contains("call us"),
        ),
        Flaw::FollowsReferrals => (
            imap(StarttlsRequired, |it| {
                let greeting = "* OK [REFERRAL imap://;AUTH=*@localhost:4712/] elsewhere\r\n";
                it.reply("greeting", greeting)
            }),
            |it| it.saw("connect 4712"),
        ),
        Flaw::RepeatsStarttls => {
            let mut steps = smtp(StarttlsRequired, |it| it.reply("STARTTLS", "530 no\r\n"));
            steps.extend(imap(StarttlsRequired, |it| {
                it.reply("STARTTLS", "{tag} BAD no\r\n")
            }));
            (steps, |it| it.count("STARTTLS") >= 10)
        }
        Flaw::StarttlsBlindly => {
            let mut steps = smtp(StarttlsRequired, |it| {
                it.with(|it| it.clear = "SIZE")
                    .reply("STARTTLS", "502 no\r\n")
            });
            steps.extend(imap(StarttlsRequired, |it| {
                it.with(|it| it.clear = "IMAP4rev1")
                    .reply("STARTTLS", "{tag} BAD no\r\n")
            }));
            (steps, |it| {
                it.saw("clear MAIL") && it.saw("clear A0003 LOGIN")
            })
        }
        Flaw::BadGreetingSkipsTls => (
            imap(StarttlsRequired, |it| it.reply("greeting", "XXXX\r\n")),
            leaks,
        ),
        Flaw::PairsRepliesByCount => (
            smtp(StarttlsRequired, |it| {
                it.reply("STARTTLS", "454 no\r\n235 ok\r\n250 ok\r\n")
            }),
            leaks,
        ),
        Flaw::AnyReplyIsHello => (
            smtp(Clear, |it| {
                it.reply("EHLO", "220-mx.test\r\n220 AUTH PLAIN\r\n")
            }),
            succeeds,
        ),
        Flaw::ReusesClearConnections => {
            let server = |security| Server::new(Smtp, security);
            let steps = [Clear, StarttlsRequired]
                .map(|security| (request(Smtp, Send, security), server(security)));
            (steps.to_vec(), |it| it.count("connect") == 1)
        }
        Flaw::SkipsClearInHandshake => (
            smtp(StarttlsRequired, |it| {
                let injected = "220 go\r\n250-mx.test\r\n250 AUTH PLAIN\r\n";
                it.with(|it| it.dribbles = Some(Duration::from_millis(1)))
                    .instead("STARTTLS", injected, Then::Tls)
                    .instead("tls:EHLO", "", Then::Silence)
            }),
            |it| it.saw("(unanswered) AUTH PLAIN"),
        ),
        Flaw::MissesLastKeyword => (
            smtp(StarttlsRequired, |it| {
                it.reply("clear:EHLO", "250-mx.test\r\n250 STARTTLS\r\n")
            }),
            fails,
        ),
        Flaw::AcceptsPreauth => (
            imap(StarttlsRequired, |it| {
                it.reply("greeting", "* PREAUTH hi\r\n")
            }),
            |it| it.saw("clear A0001 SELECT"),
        ),
        Flaw::AcceptsEarlyTagged => (
            imap(StarttlsRequired, |it| {
                let promise = "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n{tag} OK\r\nA0002 OK begin\r\n";
                it.reply("clear:CAPABILITY", promise)
                    .instead("STARTTLS", "", Then::Silence)
            }),
            |it| it.saw("(unanswered) A0003 LOGIN"),
        ),
        Flaw::AcceptsAnyGreeting => (
            imap(Implicit, |it| it.reply("greeting", "A0000 OK ready\r\n")),
            succeeds,
        ),
        Flaw::IgnoresLoginDisabled => (
            imap(Implicit, |it| {
                it.with(|it| it.secure = "IMAP4rev1 LOGINDISABLED")
            }),
            |it| it.saw("tls A0002 LOGIN"),
        ),
        Flaw::PasswordInClearOptional => (
            smtp(StarttlsOptional, |it| it.with(|it| it.clear = "AUTH=PLAIN")),
            leaks,
        ),
        Flaw::NoSecondEhlo => (
            smtp(StarttlsRequired, |it| {
                it.with(|it| it.clear = "STARTTLS AUTH=PLAIN")
            }),
            |it| it.saw("tls AUTH") && !it.saw("tls EHLO"),
        ),
        Flaw::MailWithoutAuth => (
            smtp(Implicit, |it| it.reply("AUTH", "535 5.7.8 wrong\r\n")),
            |it| it.saw("MAIL"),
        ),
        Flaw::RepeatsPassword => (
            imap(Implicit, |it| it.reply("LOGIN", "{tag} NO wrong\r\n")),
            |it| it.count("LOGIN") > 2,
        ),
        Flaw::RepeatsAfterPermanent => (
            smtp(Implicit, |it| it.reply("data", "554 5.7.1 no\r\n")),
            |it| it.count("(message)") == 4,
        ),
        Flaw::RetriesAtOnce => (
            smtp(Implicit, |it| it.reply("RCPT", "450 4.2.0 later\r\n")),
            |it| it.count("connect") == 6,
        ),
        Flaw::IgnoresEnvelopeReplies => (
            smtp(Implicit, |it| it.reply("RCPT", "550 5.1.1 no\r\n")),
            |it| it.saw("(message)"),
        ),
        Flaw::IgnoresDataReply => (
            smtp(Implicit, |it| it.reply("data", "554 5.7.1 no\r\n")),
            succeeds,
        ),
        Flaw::ReportsSuccess => (
            smtp(Implicit, |it| it.reply("MAIL", "550 5.7.1 no\r\n")),
            succeeds,
        ),
        Flaw::ReportsFailure => (smtp(Implicit, |it| it), |it| it.said() == Said::Failed),
        Flaw::AddsEmptyLine => (smtp(Implicit, |it| it), |it| it.saw(".dot\\r\\n\\r\\n")),
        Flaw::NoDotStuffing => (smtp(Implicit, |it| it), |it| it.saw("Hello\\r\\n.dot")),
        Flaw::SendsBareLineEnds => {
            let mut request = request(Smtp, Send, Implicit);
            request.message_file = file("bare.eml", "Subject: x\r\n\r\na\nb\r\n");
            let steps = vec![(request, Server::new(Smtp, Implicit))];
            (steps, |it| it.saw("(message) Subject: x\\r\\n\\r\\na\\nb"))
        }
        Flaw::AssumesSegments => (
            smtp(Implicit, |it| {
                it.with(|it| it.dribbles = Some(Duration::from_millis(1)))
            }),
            |it| it.said() != Said::Success,
        ),
        Flaw::ResendsAfterLostReply => (
            smtp(Implicit, |it| it.instead("data", "", Then::Close)),
            |it| it.count("(message)") == 4,
        ),
        Flaw::WaitsForever => (
            smtp(Implicit, |it| it.instead("greeting", "", Then::Silence)),
            |it| it.text() == "HANG",
        ),
        // As often as an octet comes, for longer than a line may take.
        Flaw::RestartsTimer => (
            smtp(Implicit, |it| {
                it.with(|it| it.dribbles = Some(Duration::from_secs(1)))
            }),
            succeeds,
        ),
        Flaw::ReadsEndlessLines => (
            smtp(Implicit, |it| {
                it.reply("greeting", &format!("220 {}\r\n", "x".repeat(100_000)))
            }),
            succeeds,
        ),
        Flaw::LoopsAtEof => (
            smtp(Implicit, |it| {
                it.instead("greeting", "220 hi\r\n", Then::Close)
            }),
            |it| it.text() == "HANG",
        ),
        Flaw::WritesForever => (long_message(Duration::from_secs(10_000)), |it| {
            it.text() == "HANG"
        }),
        Flaw::ImpatientWriter => (long_message(Duration::from_secs(1)), fails),
        Flaw::ReconnectsWithoutEnd => (
            smtp(Clear, |it| {
                it.instead("greeting", "220 hi\r\n", Then::Close)
            }),
            |it| it.count("connect") > 100,
        ),
        Flaw::ChokesOnUntagged => (
            imap(Implicit, |it| it.before("SELECT", "* SEARCH 1 2\r\n")),
            |it| it.said() != Said::Success,
        ),
        Flaw::AnswersAnyContinuation => (
            imap(StarttlsRequired, |it| {
                it.instead("STARTTLS", "+ go on\r\n", Then::Clear)
            }),
            leaks,
        ),
        Flaw::PrintsSecrets => (
            smtp(Implicit, |it| it.reply("MAIL", "550 5.7.1 no\r\n")),
            |it| it.text().contains(PASSWORD),
        ),
        Flaw::GivesUpAfterRefusal => {
            let mut steps = smtp(Implicit, |it| it.reply("RCPT", "550 5.1.1 no\r\n"));
            steps.extend(smtp(Implicit, |it| it));
            (steps, |it| {
                it.said() != Said::Success && it.count("connect") == 1
            })
        }
        Flaw::FirstAddressOnly => (
            smtp(Implicit, |it| {
                it.at(&[("::1", Some(false)), (V4, Some(true))])
            }),
            fails,
        ),
        Flaw::NoIpv4Fallback => (
            smtp(Implicit, |it| it.at(&[("::1", None), (V4, Some(true))])),
            fails,
        ),
        Flaw::WaitsOutFirstAddress => (
            smtp(Implicit, |it| it.at(&[(V4, None), ("::1", Some(true))])),
            fails,
        ),
        Flaw::Ipv4Only => (smtp(Implicit, |it| it.at(&[("::1", Some(true))])), fails),
        Flaw::SendsOverEveryAddress => (
            smtp(Implicit, |it| {
                it.at(&[("::1", Some(true)), (V4, Some(true)), ("::2", Some(true))])
                    .reply("greeting", "554 no\r\n")
            }),
            |it| it.count("connect") == 3,
        ),
        Flaw::LiteralWithoutWaiting => {
            let step = (request(Imap, Append, Implicit), Server::new(Imap, Implicit));
            (vec![step], |it| {
                it.saw("literal came early") && it.said() == Said::Success
            })
        }
        Flaw::OneLineReplies => (
            smtp(Implicit, |it| it.reply("greeting", "220-mx\r\n220 hi\r\n")),
            fails,
        ),
        Flaw::NeedsReplyText => (smtp(Implicit, |it| it.reply("greeting", "220\r\n")), fails),
        Flaw::ReadsTextForCodes => (
            smtp(Implicit, |it| it.reply("RCPT", "250 5.1.1 bad\r\n")),
            fails,
        ),
        Flaw::KnowsFewCodes => (
            smtp(Implicit, |it| it.reply("RCPT", "251 will forward\r\n")),
            fails,
        ),
        Flaw::ChokesOnUnknownCapability => {
            let mut steps = smtp(Implicit, |it| {
                it.with(|it| it.secure = "X-LINK2STATE AUTH=PLAIN")
            });
            steps.extend(imap(Implicit, |it| {
                it.reply("greeting", "* OK [CAPABILITY IMAP4rev1 XYZZY] hi\r\n")
            }));
            steps.extend(imap(Implicit, |it| {
                it.with(|it| it.secure = "IMAP4rev1 XYZZY")
            }));
            (steps, |it| {
                (0..3).all(|step| it.said_at(step) != Said::Success)
            })
        }
        Flaw::CaseSensitiveKeywords => (
            smtp(StarttlsRequired, |it| it.with(|it| it.clear = "starttls")),
            fails,
        ),
        Flaw::NeedsTls13 => (smtp(Implicit, |it| it.with(|it| it.versions = OLD)), fails),
        Flaw::StarttlsInsideTls => {
            let mut steps = smtp(StarttlsRequired, |it| {
                it.with(|it| it.secure = "STARTTLS AUTH=PLAIN")
            });
            steps.extend(imap(Implicit, |it| {
                it.with(|it| it.secure = "IMAP4rev1 STARTTLS")
            }));
            (steps, |it| {
                it.saw("tls STARTTLS") && it.saw("tls A0003 STARTTLS")
            })
        }
        Flaw::IgnoresGoAhead => (
            smtp(StarttlsRequired, |it| it.instead("STARTTLS", "", Then::Tls)),
            succeeds,
        ),
        Flaw::NeedsGoodbye => {
            let mut steps = smtp(Implicit, |it| it.reply("QUIT", "500 what?\r\n"));
            steps.extend(imap(Implicit, |it| it.instead("LOGOUT", "", Then::Close)));
            (steps, |it| {
                (0..2).all(|step| it.said_at(step) != Said::Success)
            })
        }
        Flaw::CutsLongMessages => {
            let mut request = request(Smtp, Send, Implicit);
            let message = format!("Subject: x\r\n\r\n{}End\r\n", "Hello\r\n".repeat(10_000));
            request.message_file = file("long.eml", &message);
            let steps = vec![(request, Server::new(Smtp, Implicit))];
            (steps, |it| {
                it.saw("(message)") && !it.saw("End\\r\\n") && it.said() == Said::Success
            })
        }
        Flaw::SmallReadBuffer => (
            smtp(Implicit, |it| {
                let lines = "220-No spam, please\r\n".repeat(300);
                it.reply("greeting", &format!("{lines}220 hi\r\n"))
            }),
            fails,
        ),
        Flaw::Crashes => unreachable!("has a test of its own"),
    }
}

/// More than fits between the two, for a server that reads nothing of it for so long.
fn long_message(deaf: Duration) -> Vec<(Request, Server)> {
    let mut request = request(Smtp, Send, Implicit);
    let message = format!("Subject: x\r\n\r\n{}", "Hello\r\n".repeat(400_000));
    request.message_file = file("larger-than-the-pipe.eml", &message);
    let server = Server::new(Smtp, Implicit).with(|it| it.secure = "AUTH=PLAIN");
    vec![(request, server.with(|it| it.deaf = deaf))]
}

#[test]
fn every_flaw_shows() {
    let mut wrong = Vec::new();
    for flaw in Flaw::ALL.iter().filter(|flaw| **flaw != Flaw::Crashes) {
        let (steps, shows) = row(*flaw);
        let without = run_all(&[], steps.clone());
        if shows(&without) {
            wrong.push(format!("{flaw} shows without it: {without:#?}"));
        }
        let with = run_all(&[*flaw], steps);
        if !shows(&with) {
            wrong.push(format!("{flaw} does not show: {with:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A flawed client passes the control, else no case could show its flaw.
#[test]
fn every_flaw_leaves_the_undisturbed_session_alone() {
    let mut wrong = Vec::new();
    for flaw in Flaw::ALL
        .iter()
        .filter(|flaw| !matches!(flaw, Flaw::ReportsFailure | Flaw::IgnoresIntermediates))
    {
        for (protocol, job) in [(Smtp, Send), (Imap, Fetch), (Imap, List), (Imap, Append)] {
            for security in [Clear, StarttlsOptional, StarttlsRequired, Implicit] {
                for auth in [Auth::Password, Auth::Plain, Auth::Xoauth2] {
                    let mut request = request(protocol, job, security);
                    request.auth = auth;
                    let outcome =
                        run_all(&[*flaw], vec![(request, Server::new(protocol, security))]);
                    if outcome.said() != Said::Success {
                        wrong.push(format!("{flaw} {job} {security} {auth}: {outcome:#?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_crashing_client_dies_of_a_failure() {
    let steps = || {
        let server = Server::new(Smtp, Implicit).reply("MAIL", "550 5.7.1 no\r\n");
        vec![(request(Smtp, Send, Implicit), server)]
    };
    assert_eq!(run_all(&[], steps()).said(), Said::Permanent);
    let died = std::panic::catch_unwind(|| run_all(&[Flaw::Crashes], steps()));
    assert!(died.is_err());
}

/// A server that answers whatever comes with these octets.
fn raw(octets: Vec<u8>) -> Vec<(Request, Server)> {
    let server = Server::new(Smtp, Implicit).with(|it| it.raw = Some(octets));
    vec![(request(Smtp, Send, Implicit), server)]
}

/// With the flaw the client agrees to that: it sends a record that holds a ClientKeyExchange.
fn agrees(flight: Vec<u8>) -> Row {
    (raw(flight), |it| it.saw(", 1, 6, 16, 0, 1, 2, 1, 0,"))
}

fn asks_for_certificate(server: &Server) -> Arc<ServerConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(AUTHORITY.root_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let chain = AUTHORITY.chain(server.fault, &Names::dns("localhost"));
    let key = rustls::sign::CertifiedKey::clone(&chain.unwrap().certified_key());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(server.versions)
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key)));
    Arc::new(config)
}

/// In clear a client by mistake shows the password, whatever the server says about that.
#[test]
fn who_is_lost_in_clear_leaks() {
    for flaw in [Flaw::ContinuesInClear, Flaw::ClearRetry] {
        for (protocol, job) in [(Smtp, Send), (Imap, List)] {
            for auth in [Auth::Password, Auth::Plain] {
                let mut request = request(protocol, job, StarttlsRequired);
                request.auth = auth;
                let mut server = Server::new(protocol, StarttlsRequired);
                match flaw {
                    Flaw::ClearRetry => server.fault = Fault::SelfSigned,
                    _ if protocol == Smtp => server.clear = "SIZE",
                    _ => server.clear = "IMAP4rev1 LOGINDISABLED",
                }
                let steps = vec![(request, server)];
                assert!(!run_all(&[], steps.clone()).leaked(), "{protocol} {auth}");
                let outcome = run_all(&[flaw], steps);
                assert!(outcome.leaked(), "{flaw} {protocol} {auth}: {outcome:#?}");
            }
        }
    }
}

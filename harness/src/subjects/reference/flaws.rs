//! Which mistakes the client was told to make. Nothing else in the client knows the list.
//!
//! Must not know what a mistake does: each is one switch where the client does the thing.

use std::collections::BTreeSet;

use mailproof_scenarios::model::Flaw;

/// The flaws of one client; empty for the perfect one.
#[derive(Clone, Debug, Default)]
pub(super) struct Flaws(BTreeSet<Flaw>);

impl Flaws {
    pub(super) fn new(flaws: &[Flaw]) -> Self {
        Self(flaws.iter().copied().collect())
    }
}

/// One question for each flaw, so that a switch reads as a sentence.
macro_rules! questions {
    ($($question:ident = $flaw:ident,)+) => {
        impl Flaws {
            $(pub(super) fn $question(&self) -> bool {
                self.0.contains(&Flaw::$flaw)
            })+
        }

        /// Every flaw that has a question: all of them, as a test shows.
        #[cfg(test)]
        pub(super) const ASKED: &[Flaw] = &[$(Flaw::$flaw),+];
    };
}

questions! {
    accepts_any_certificate = AcceptsAnyCertificate,
    skips_verification_after_starttls = SkipsVerificationAfterStarttls,
    skips_verification_on_smtp = SkipsVerificationOnSmtp,
    ignores_validity = IgnoresValidity,
    ignores_issuer_validity = IgnoresIssuerValidity,
    ignores_name = IgnoresName,
    ignores_anchor = IgnoresAnchor,
    ignores_basic_constraints = IgnoresBasicConstraints,
    ignores_key_usage = IgnoresKeyUsage,
    ignores_proof = IgnoresProof,
    always_trust_drops_tls = AlwaysTrustDropsTls,
    always_trust_leaks = AlwaysTrustLeaks,
    remembers_exceptions = RemembersExceptions,
    always_trust_still_verifies = AlwaysTrustStillVerifies,
    ignores_pin = IgnoresPin,
    accepts_old_tls = AcceptsOldTls,
    ignores_downgrade_sentinel = IgnoresDowngradeSentinel,
    accepts_unoffered_suite = AcceptsUnofferedSuite,
    offers_weak_suites = OffersWeakSuites,
    accepts_unoffered_alpn = AcceptsUnofferedAlpn,
    ignores_record_limit = IgnoresRecordLimit,
    chokes_on_hello_retry = ChokesOnHelloRetry,
    chokes_on_small_records = ChokesOnSmallRecords,
    chokes_on_tickets = ChokesOnTickets,
    chokes_on_certificate_request = ChokesOnCertificateRequest,
    stuck_on_close_notify = StuckOnCloseNotify,
    stuck_on_hello_request = StuckOnHelloRequest,
    excuses_unrecognized_name = ExcusesUnrecognizedName,
    no_server_name = NoServerName,
    address_as_server_name = AddressAsServerName,
    resumes_across_accounts = ResumesAcrossAccounts,
    verifies_once = VerifiesOnce,
    signs_in_early = SignsInEarly,
    takes_cut_for_end = TakesCutForEnd,
    needs_close_notify = NeedsCloseNotify,
    ignores_broken_ca_file = IgnoresBrokenCaFile,
    adds_system_authorities = AddsSystemAuthorities,
    verifies_only_when_told = VerifiesOnlyWhenTold,
    ignores_intermediates = IgnoresIntermediates,
    trusts_issuer_name = TrustsIssuerName,
    skips_leaf_signature = SkipsLeafSignature,
    skips_unknown_signatures = SkipsUnknownSignatures,
    accepts_short_keys = AcceptsShortKeys,
    gives_a_day_of_grace = GivesADayOfGrace,
    ignores_path_length = IgnoresPathLength,
    ignores_key_cert_sign = IgnoresKeyCertSign,
    ignores_name_constraints = IgnoresNameConstraints,
    ignores_wildcards_in_constraints = IgnoresWildcardsInConstraints,
    ignores_critical_extensions = IgnoresCriticalExtensions,
    accepts_malformed = AcceptsMalformed,
    falls_back_to_common_name = FallsBackToCommonName,
    wildcards_match_deeply = WildcardsMatchDeeply,
    wildcards_match_the_apex = WildcardsMatchTheApex,
    wildcards_match_in_part = WildcardsMatchInPart,
    wildcards_match_anywhere = WildcardsMatchAnywhere,
    wildcards_match_everything = WildcardsMatchEverything,
    skips_name_of_addresses = SkipsNameOfAddresses,
    compares_addresses_as_text = ComparesAddressesAsText,
    stops_at_nul = StopsAtNul,
    believes_any_kind_of_name = BelievesAnyKindOfName,
    compares_u_labels = ComparesULabels,
    follows_the_alias = FollowsTheAlias,
    needs_chain_in_order = NeedsChainInOrder,
    takes_the_first_path_only = TakesTheFirstPathOnly,
    chokes_on_late_dates = ChokesOnLateDates,
    needs_a_purpose = NeedsAPurpose,
    refuses_name_constraints = RefusesNameConstraints,
    knows_p256_only = KnowsP256Only,
    refuses_wildcards = RefusesWildcards,
    knows_no_addresses = KnowsNoAddresses,
    knows_no_u_labels = KnowsNoULabels,
    compares_letter_case = ComparesLetterCase,
    reads_few_names = ReadsFewNames,
    refuses_staples = RefusesStaples,
    ignores_staple = IgnoresStaple,
    ignores_must_staple = IgnoresMustStaple,
    believes_any_staple = BelievesAnyStaple,
    ignores_crl = IgnoresCrl,
    waits_for_consent = WaitsForConsent,
    pin_leaks = PinLeaks,
    takes_silence_for_consent = TakesSilenceForConsent,
    retries_after_certificate = RetriesAfterCertificate,
    continues_in_clear = ContinuesInClear,
    helo_fallback_in_clear = HeloFallbackInClear,
    auth_before_tls = AuthBeforeTls,
    keeps_clear_buffer = KeepsClearBuffer,
    keeps_clear_capabilities = KeepsClearCapabilities,
    keeps_clear_data = KeepsClearData,
    shows_clear_alerts = ShowsClearAlerts,
    follows_referrals = FollowsReferrals,
    repeats_starttls = RepeatsStarttls,
    starttls_blindly = StarttlsBlindly,
    bad_greeting_skips_tls = BadGreetingSkipsTls,
    pairs_replies_by_count = PairsRepliesByCount,
    any_reply_is_hello = AnyReplyIsHello,
    reuses_clear_connections = ReusesClearConnections,
    skips_clear_in_handshake = SkipsClearInHandshake,
    starttls_any_reply_in_clear = StarttlsAnyReplyInClear,
    clear_after_failed_handshake = ClearAfterFailedHandshake,
    clear_retry = ClearRetry,
    tries_other_ports = TriesOtherPorts,
    first_address_only = FirstAddressOnly,
    no_ipv4_fallback = NoIpv4Fallback,
    waits_out_first_address = WaitsOutFirstAddress,
    ipv4_only = Ipv4Only,
    sends_over_every_address = SendsOverEveryAddress,
    accepts_preauth = AcceptsPreauth,
    accepts_early_tagged = AcceptsEarlyTagged,
    accepts_any_greeting = AcceptsAnyGreeting,
    ignores_login_disabled = IgnoresLoginDisabled,
    password_in_clear_optional = PasswordInClearOptional,
    no_second_ehlo = NoSecondEhlo,
    mail_without_auth = MailWithoutAuth,
    repeats_password = RepeatsPassword,
    repeats_after_permanent = RepeatsAfterPermanent,
    retries_at_once = RetriesAtOnce,
    ignores_envelope_replies = IgnoresEnvelopeReplies,
    ignores_data_reply = IgnoresDataReply,
    reports_success = ReportsSuccess,
    reports_failure = ReportsFailure,
    no_dot_stuffing = NoDotStuffing,
    adds_empty_line = AddsEmptyLine,
    sends_bare_line_ends = SendsBareLineEnds,
    assumes_segments = AssumesSegments,
    resends_after_lost_reply = ResendsAfterLostReply,
    waits_forever = WaitsForever,
    restarts_timer = RestartsTimer,
    reads_endless_lines = ReadsEndlessLines,
    loops_at_eof = LoopsAtEof,
    writes_forever = WritesForever,
    impatient_writer = ImpatientWriter,
    reconnects_without_end = ReconnectsWithoutEnd,
    chokes_on_untagged = ChokesOnUntagged,
    answers_any_continuation = AnswersAnyContinuation,
    prints_secrets = PrintsSecrets,
    gives_up_after_refusal = GivesUpAfterRefusal,
    literal_without_waiting = LiteralWithoutWaiting,
    one_line_replies = OneLineReplies,
    needs_reply_text = NeedsReplyText,
    reads_text_for_codes = ReadsTextForCodes,
    knows_few_codes = KnowsFewCodes,
    chokes_on_unknown_capability = ChokesOnUnknownCapability,
    case_sensitive_keywords = CaseSensitiveKeywords,
    misses_last_keyword = MissesLastKeyword,
    needs_tls13 = NeedsTls13,
    starttls_inside_tls = StarttlsInsideTls,
    ignores_go_ahead = IgnoresGoAhead,
    needs_goodbye = NeedsGoodbye,
    cuts_long_messages = CutsLongMessages,
    small_read_buffer = SmallReadBuffer,
    crashes = Crashes,
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn every_flaw_can_be_switched_on() {
        let asked: BTreeSet<Flaw> = ASKED.iter().copied().collect();
        let all: BTreeSet<Flaw> = Flaw::ALL.iter().copied().collect();
        assert_eq!(asked, all);
    }
}

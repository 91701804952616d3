//! The tables, once for both databases. Written by hand beside `migrations/`; a test compares it with
//! the columns of both.
#![expect(missing_docs, reason = "diesel makes a module for each table")]

diesel::table! {
    organizations (id) {
        id -> Text,
        slug -> Text,
        name -> Text,
        contact -> Text,
        seats -> Nullable<BigInt>,
        invitation_days -> BigInt,
        guests -> Bool,
        session_hours -> BigInt,
        idle_minutes -> BigInt,
        state -> Text,
        created_at -> BigInt,
        version -> BigInt,
        group_convention -> Bool,
        requests -> Bool,
    }
}

diesel::table! {
    accounts (id) {
        id -> Text,
        email -> Text,
        email_key -> Text,
        full_name -> Text,
        name_key -> Text,
        username -> Text,
        state -> Text,
        operator -> Bool,
        password_hash -> Nullable<Text>,
        admitted_at -> Nullable<BigInt>,
        created_at -> BigInt,
        version -> BigInt,
        email_domain -> Nullable<Text>,
    }
}

diesel::table! {
    retired_usernames (username) {
        username -> Text,
        retired_at -> BigInt,
    }
}

diesel::table! {
    domains (id) {
        id -> Text,
        organization_id -> Text,
        name -> Text,
        token -> Text,
        verified -> Bool,
        vouched -> Bool,
        verified_at -> Nullable<BigInt>,
        created_at -> BigInt,
        vouched_by -> Text,
        waiting_since -> BigInt,
        checked_at -> Nullable<BigInt>,
        finding -> Text,
        found -> BigInt,
        confirmed_at -> Nullable<BigInt>,
        lost_at -> Nullable<BigInt>,
        lapsed_at -> Nullable<BigInt>,
        next_check_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    teams (id) {
        id -> Text,
        organization_id -> Text,
        name -> Text,
        name_key -> Text,
        created_at -> BigInt,
        version -> BigInt,
        people -> BigInt,
    }
}

diesel::table! {
    connections (id) {
        id -> Text,
        organization_id -> Text,
        slug -> Text,
        name -> Text,
        protocol -> Text,
        state -> Text,
        jit -> Bool,
        scim -> Bool,
        enforce -> Bool,
        default_role -> Text,
        default_team_id -> Nullable<Text>,
        issuer -> Text,
        client_id -> Text,
        client_secret_sealed -> Text,
        scopes -> Text,
        groups_claim -> Text,
        jit_changed_at -> Nullable<BigInt>,
        jit_changed_by -> Text,
        created_at -> BigInt,
        version -> BigInt,
        confirmed_jwks_uri -> Text,
        keys_moved_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    connection_domains (connection_id, domain_id) {
        connection_id -> Text,
        domain_id -> Text,
    }
}

diesel::table! {
    connection_versions (connection_id, kind) {
        connection_id -> Text,
        kind -> Text,
        settings_json -> Text,
        client_secret_sealed -> Text,
        at -> BigInt,
        by_name -> Text,
    }
}

diesel::table! {
    planned_switches (id) {
        id -> Text,
        organization_id -> Text,
        connection_id -> Text,
        switch -> Text,
        to_on -> Bool,
        at -> BigInt,
        most_denied -> Nullable<BigInt>,
        days -> BigInt,
        named -> Text,
        state -> Text,
        made_by -> Text,
        made_by_name -> Text,
        made_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        told -> Text,
    }
}

diesel::table! {
    connection_tests (id) {
        id -> Text,
        connection_id -> Text,
        kind -> Text,
        print -> Text,
        at -> BigInt,
        by_name -> Text,
        passed -> Bool,
        finding_json -> Text,
    }
}

diesel::table! {
    connection_links (id) {
        id -> Text,
        organization_id -> Text,
        connection_id -> Text,
        name -> Text,
        token_hash -> Text,
        browser_hash -> Nullable<Text>,
        may_switch -> Bool,
        created_at -> BigInt,
        created_by -> Text,
        expires_at -> BigInt,
        begun_at -> Nullable<BigInt>,
        begun_ip -> Text,
        seen_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        email -> Text,
    }
}

diesel::table! {
    group_mappings (id) {
        id -> Text,
        connection_id -> Text,
        group_name -> Text,
        team_id -> Text,
        role -> Text,
        position -> BigInt,
        scim_group_id -> Text,
    }
}

diesel::table! {
    identities (id) {
        id -> Text,
        connection_id -> Text,
        issuer -> Text,
        subject -> Text,
        account_id -> Text,
        linked_at -> BigInt,
    }
}

diesel::table! {
    members (id) {
        id -> Text,
        organization_id -> Text,
        account_id -> Text,
        role -> Text,
        state -> Text,
        source -> Text,
        invited_by -> Text,
        joined_at -> BigInt,
        state_changed_at -> BigInt,
        last_sign_in_at -> Nullable<BigInt>,
        version -> BigInt,
        role_given_by -> Text,
        managed -> Bool,
        name_key -> Text,
        by_password -> Bool,
        facet -> Nullable<Text>,
    }
}

diesel::table! {
    team_members (team_id, member_id, source, connection_id) {
        team_id -> Text,
        member_id -> Text,
        source -> Text,
        connection_id -> Text,
        since -> BigInt,
    }
}

diesel::table! {
    invitations (id) {
        id -> Text,
        organization_id -> Text,
        email -> Text,
        email_key -> Text,
        role -> Text,
        state -> Text,
        token_hash -> Text,
        expires_at -> BigInt,
        invited_by -> Text,
        invited_by_name -> Text,
        created_at -> BigInt,
        sent_at -> BigInt,
        settled_at -> Nullable<BigInt>,
        member_id -> Nullable<Text>,
        version -> BigInt,
        reminded_of -> Nullable<BigInt>,
        links_day -> BigInt,
        links -> BigInt,
    }
}

diesel::table! {
    invitation_teams (invitation_id, team_id) {
        invitation_id -> Text,
        team_id -> Text,
    }
}

diesel::table! {
    attempts (id) {
        id -> Text,
        state_hash -> Text,
        connection_id -> Text,
        organization_id -> Text,
        browser_hash -> Text,
        nonce -> Text,
        verifier -> Text,
        return_to -> Text,
        invitation_hash -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        test -> Text,
        anew -> Bool,
    }
}

diesel::table! {
    sessions (key_hash) {
        key_hash -> Text,
        id -> Text,
        account_id -> Nullable<Text>,
        organization_id -> Nullable<Text>,
        connection_id -> Nullable<Text>,
        state -> Text,
        ip -> Text,
        user_agent -> Text,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        idle_ms -> BigInt,
        expires_at -> BigInt,
        proved_at -> BigInt,
        strength -> Text,
    }
}

diesel::table! {
    kept_forms (key_hash) {
        key_hash -> Text,
        account_id -> Text,
        path -> Text,
        body_sealed -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    sign_ins (id) {
        id -> Text,
        organization_id -> Text,
        connection_id -> Nullable<Text>,
        connection_name -> Text,
        protocol -> Text,
        at -> BigInt,
        outcome -> Text,
        reason -> Text,
        detail -> Text,
        reference -> Text,
        person_key -> Text,
        account_id -> Nullable<Text>,
        denial_id -> Nullable<Text>,
        issuer -> Text,
        subject -> Text,
        email -> Text,
        email_verified -> Nullable<Bool>,
        name -> Text,
        groups_json -> Text,
        trace_json -> Text,
        evidence_json -> Text,
        ip -> Text,
        user_agent -> Text,
    }
}

diesel::table! {
    denials (id) {
        id -> Text,
        organization_id -> Text,
        person_key -> Text,
        email -> Text,
        email_key -> Text,
        domain -> Text,
        name -> Text,
        search_key -> Text,
        connection_id -> Nullable<Text>,
        reason -> Text,
        detail -> Text,
        state -> Text,
        note -> Text,
        attempts -> BigInt,
        first_at -> BigInt,
        last_at -> BigInt,
        last_sign_in_id -> Text,
        reference -> Text,
        invitation_id -> Nullable<Text>,
        settled_by -> Text,
        state_at -> BigInt,
        state_by -> Text,
        version -> BigInt,
        asked_at -> Nullable<BigInt>,
        asked -> Text,
        assigned_account -> Text,
        assigned_name -> Text,
    }
}

diesel::table! {
    denial_notes (id) {
        id -> Text,
        denial_id -> Text,
        at -> BigInt,
        by_account -> Text,
        by_name -> Text,
        text -> Text,
    }
}

diesel::table! {
    retentions (organization_id) {
        organization_id -> Text,
        record_days -> BigInt,
        claim_days -> BigInt,
        denial_days -> BigInt,
        claims_at -> BigInt,
        claims_id -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    sign_in_days (organization_id, day, outcome, reason) {
        organization_id -> Text,
        day -> BigInt,
        outcome -> Text,
        reason -> Text,
        attempts -> BigInt,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Text,
        organization_id -> Nullable<Text>,
        at -> BigInt,
        actor_kind -> Text,
        actor_id -> Text,
        actor_name -> Text,
        actor_key -> Text,
        action -> Text,
        subject_kind -> Text,
        subject_id -> Text,
        subject_name -> Text,
        subject_key -> Text,
        ip -> Text,
        before_json -> Text,
        after_json -> Text,
        chain -> Text,
        seq -> Nullable<BigInt>,
        hash -> Text,
    }
}

diesel::table! {
    audit_heads (chain) {
        chain -> Text,
        seq -> BigInt,
        hash -> Text,
        first_seq -> BigInt,
        first_hash -> Text,
    }
}

diesel::table! {
    installation_facts (name) {
        name -> Text,
        value -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    member_counts (organization_id, facet) {
        organization_id -> Text,
        facet -> Text,
        people -> BigInt,
    }
}

diesel::table! {
    invitation_counts (organization_id, state, hour) {
        organization_id -> Text,
        state -> Text,
        hour -> BigInt,
        invitations -> BigInt,
    }
}

diesel::table! {
    account_words (account_id, word) {
        account_id -> Text,
        word -> Text,
        name_key -> Text,
    }
}

diesel::table! {
    setup_links (token_hash) {
        token_hash -> Text,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    password_failures (key) {
        key -> Text,
        failures -> BigInt,
        last_at -> BigInt,
    }
}

diesel::table! {
    saml_settings (connection_id) {
        connection_id -> Text,
        entity_id -> Text,
        sso_url -> Text,
        sso_binding -> Text,
        sign_requests -> Bool,
        idp_initiated -> Bool,
        allow_cbc -> Bool,
        email_attribute -> Text,
        given_attribute -> Text,
        family_attribute -> Text,
        name_attribute -> Text,
        groups_attribute -> Text,
        metadata_url -> Text,
        metadata_at -> Nullable<BigInt>,
        metadata_fault -> Text,
        metadata_proposal -> Text,
    }
}

diesel::table! {
    saml_certificates (connection_id, fingerprint) {
        connection_id -> Text,
        fingerprint -> Text,
        der -> Text,
        subject -> Text,
        not_before -> BigInt,
        not_after -> BigInt,
        added_at -> BigInt,
    }
}

diesel::table! {
    saml_keys (id) {
        id -> Text,
        connection_id -> Text,
        state -> Text,
        key_sealed -> Text,
        certificate -> Text,
        not_after -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    saml_assertions (connection_id, assertion_hash) {
        connection_id -> Text,
        assertion_hash -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    scim_tokens (id) {
        id -> Text,
        organization_id -> Text,
        connection_id -> Text,
        name -> Text,
        token_hash -> Text,
        hint -> Text,
        created_at -> BigInt,
        created_by -> Text,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    scim_users (id) {
        id -> Text,
        organization_id -> Text,
        connection_id -> Text,
        member_id -> Nullable<Text>,
        user_name -> Text,
        user_name_key -> Text,
        external_id -> Text,
        display_key -> Text,
        email_key -> Text,
        active -> Bool,
        attributes -> Text,
        adopted -> Bool,
        created_at -> BigInt,
        modified_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    scim_emails (user_id, email_key) {
        user_id -> Text,
        connection_id -> Text,
        email_key -> Text,
    }
}

diesel::table! {
    scim_counts (connection_id) {
        connection_id -> Text,
        groups -> BigInt,
    }
}

diesel::table! {
    scim_blocks (connection_id, first_id) {
        connection_id -> Text,
        first_id -> Text,
        users -> BigInt,
    }
}

diesel::table! {
    scim_groups (id) {
        id -> Text,
        organization_id -> Text,
        connection_id -> Text,
        display_name -> Text,
        display_key -> Text,
        external_id -> Text,
        attributes -> Text,
        created_at -> BigInt,
        modified_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    scim_group_members (group_id, user_id) {
        group_id -> Text,
        user_id -> Text,
    }
}

diesel::table! {
    scim_requests (id) {
        id -> Text,
        organization_id -> Text,
        connection_id -> Text,
        token_name -> Text,
        at -> BigInt,
        method -> Text,
        path -> Text,
        status -> BigInt,
        duration_us -> BigInt,
        person_key -> Text,
        decision -> Text,
        body -> Text,
        answer -> Text,
    }
}

diesel::table! {
    scim_guards (connection_id) {
        connection_id -> Text,
        share -> BigInt,
        least -> BigInt,
        members -> BigInt,
        counted_at -> Nullable<BigInt>,
        paused_at -> Nullable<BigInt>,
        resumed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    scim_deactivations (connection_id, minute) {
        connection_id -> Text,
        minute -> BigInt,
        people -> BigInt,
    }
}

diesel::table! {
    seen_groups (connection_id, name) {
        connection_id -> Text,
        name -> Text,
        first_at -> BigInt,
        last_at -> BigInt,
    }
}

diesel::table! {
    totp_seeds (account_id) {
        account_id -> Text,
        seed_sealed -> Text,
        last_step -> BigInt,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    recovery_codes (account_id, code_hash) {
        account_id -> Text,
        code_hash -> Text,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    passkeys (id) {
        id -> Text,
        account_id -> Text,
        credential_id -> Text,
        name -> Text,
        credential_json -> Text,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    ceremonies (key_hash) {
        key_hash -> Text,
        purpose -> Text,
        account_id -> Nullable<Text>,
        state_json -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    half_sign_ins (key_hash) {
        key_hash -> Text,
        account_id -> Text,
        return_to -> Text,
        tries -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    break_glass_owners (organization_id, account_id) {
        organization_id -> Text,
        account_id -> Text,
        named_at -> BigInt,
        named_by -> Text,
    }
}

diesel::table! {
    break_glass_uses (id) {
        id -> Text,
        organization_id -> Text,
        account_id -> Text,
        name -> Text,
        kind -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    letters (id) {
        id -> Text,
        organization_id -> Nullable<Text>,
        kind -> Text,
        recipient -> Text,
        from_name -> Text,
        subject -> Text,
        about_kind -> Text,
        about_id -> Text,
        message_id -> Text,
        body_sealed -> Text,
        state -> Text,
        attempts -> BigInt,
        reason -> Text,
        queued_at -> BigInt,
        since_at -> BigInt,
        due_at -> BigInt,
        useful_until -> Nullable<BigInt>,
        claim -> Text,
        claimed_until -> BigInt,
        settled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    reset_links (token_hash) {
        token_hash -> Text,
        account_id -> Text,
        expires_at -> BigInt,
        by_operator -> Bool,
    }
}

diesel::table! {
    mail_server (id) {
        id -> Text,
        sent_at -> Nullable<BigInt>,
        fault_at -> Nullable<BigInt>,
        fault -> Text,
    }
}

diesel::table! {
    mail_settings (organization_id) {
        organization_id -> Text,
        requests -> Text,
        digest -> Bool,
        reminder_days -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    notices_told (organization_id, kind, key) {
        organization_id -> Text,
        kind -> Text,
        key -> Text,
        told_at -> BigInt,
    }
}

diesel::table! {
    notices_people (entry_id) {
        entry_id -> Text,
        told_at -> BigInt,
    }
}

diesel::table! {
    notices_read (id) {
        id -> Text,
        upto -> Text,
    }
}

diesel::joinable!(connections -> organizations (organization_id));
diesel::joinable!(domains -> organizations (organization_id));
diesel::joinable!(teams -> organizations (organization_id));
diesel::joinable!(members -> organizations (organization_id));
diesel::joinable!(members -> accounts (account_id));
diesel::joinable!(team_members -> teams (team_id));
diesel::joinable!(team_members -> members (member_id));
diesel::joinable!(invitations -> organizations (organization_id));
diesel::joinable!(invitation_teams -> invitations (invitation_id));
diesel::joinable!(invitation_teams -> teams (team_id));
diesel::joinable!(connection_domains -> connections (connection_id));
diesel::joinable!(connection_domains -> domains (domain_id));
diesel::joinable!(connection_versions -> connections (connection_id));
diesel::joinable!(planned_switches -> connections (connection_id));
diesel::joinable!(connection_tests -> connections (connection_id));
diesel::joinable!(connection_links -> connections (connection_id));
diesel::joinable!(connection_links -> organizations (organization_id));
diesel::joinable!(group_mappings -> connections (connection_id));
diesel::joinable!(group_mappings -> teams (team_id));
diesel::joinable!(identities -> accounts (account_id));
diesel::joinable!(identities -> connections (connection_id));
diesel::joinable!(denials -> connections (connection_id));
diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(sign_ins -> connections (connection_id));
diesel::joinable!(saml_settings -> connections (connection_id));
diesel::joinable!(saml_certificates -> connections (connection_id));
diesel::joinable!(saml_keys -> connections (connection_id));
diesel::joinable!(scim_tokens -> connections (connection_id));
diesel::joinable!(scim_users -> members (member_id));
diesel::joinable!(scim_users -> connections (connection_id));
diesel::joinable!(scim_emails -> scim_users (user_id));
diesel::joinable!(scim_groups -> connections (connection_id));
diesel::joinable!(scim_group_members -> scim_groups (group_id));
diesel::joinable!(scim_group_members -> scim_users (user_id));
diesel::joinable!(letters -> organizations (organization_id));

/// Tables that stand together in a query. Each pair costs the compiler a dozen implementations, so only those are here that
/// a query needs.
macro_rules! together {
    ($($one:ident: $($other:ident)*;)*) => {
        $($(diesel::allow_tables_to_appear_in_same_query!($one, $other);)*)*
    };
}

together! {
    organizations: accounts domains connections connection_domains connection_links identities members invitations sessions scim_tokens letters;
    accounts: teams connections identities members team_members invitations sessions account_words scim_users scim_groups scim_group_members;
    domains: connections connection_domains sign_ins denials audit_events;
    teams: connections connection_versions planned_switches group_mappings members team_members invitations invitation_teams saml_settings saml_keys scim_tokens;
    connections: connection_domains connection_versions planned_switches group_mappings identities members invitations invitation_teams sessions saml_settings saml_certificates saml_keys scim_tokens scim_users scim_guards;
    connection_domains: sign_ins denials;
    connection_versions: saml_settings scim_tokens;
    planned_switches: saml_settings;
    group_mappings: invitations invitation_teams scim_users scim_groups scim_group_members;
    identities: members;
    members: team_members invitations sessions scim_users scim_groups scim_group_members break_glass_owners;
    team_members: scim_users scim_groups scim_group_members;
    invitations: invitation_teams letters;
    sessions: kept_forms;
    sign_ins: denials;
    denials: notices_told;
    audit_events: audit_heads;
    saml_settings: saml_keys scim_tokens;
    scim_users: scim_emails scim_groups scim_group_members;
    scim_counts: scim_blocks;
    scim_groups: scim_group_members;
}

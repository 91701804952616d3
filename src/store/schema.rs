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
    }
}

diesel::table! {
    connection_domains (connection_id, domain_id) {
        connection_id -> Text,
        domain_id -> Text,
    }
}

diesel::table! {
    group_mappings (id) {
        id -> Text,
        connection_id -> Text,
        group_name -> Text,
        team_id -> Text,
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
    }
}

diesel::table! {
    denied_days (organization_id, day) {
        organization_id -> Text,
        day -> BigInt,
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
diesel::joinable!(group_mappings -> connections (connection_id));
diesel::joinable!(group_mappings -> teams (team_id));
diesel::joinable!(identities -> accounts (account_id));
diesel::joinable!(identities -> connections (connection_id));
diesel::joinable!(denials -> connections (connection_id));
diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(sign_ins -> connections (connection_id));

diesel::allow_tables_to_appear_in_same_query!(
    organizations,
    accounts,
    retired_usernames,
    domains,
    teams,
    connections,
    connection_domains,
    group_mappings,
    identities,
    members,
    team_members,
    invitations,
    invitation_teams,
    attempts,
    sessions,
    sign_ins,
    denials,
    denied_days,
    audit_events,
    setup_links,
    password_failures,
);

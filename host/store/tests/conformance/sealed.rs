//! The suite of what surrounds secrets.

use super::{access, apps, credentials, flows, keys, refreshes};

timed_suite! { timed_redb, crate::open_timed_redb:
    credentials {
        authorised_connection_is_there_with_its_secrets
        secrets_are_replaced_whole_under_their_generation
        secrets_that_belong_elsewhere_are_refused
        what_is_known_of_a_connection_is_bounded
        authorising_ends_the_rest_of_a_connection_whatever_its_cause
        credentials_are_listed_by_tenant_and_connection
        credentials_are_due_by_urgency_and_those_that_rest_block_none
        removed_connection_leaves_only_what_it_brought
        lease_of_a_removed_connection_is_not_one_of_its_successor
    }
    refreshes {
        lease_is_held_by_one_until_it_runs_out
        lease_that_ran_out_is_good_until_somebody_takes_it
        lease_is_held_for_longer_by_who_is_about_to_send
        lease_is_over_once_it_was_given_back
        lease_for_no_time_or_too_long_is_refused
        lease_from_a_clock_that_ran_ahead_locks_nobody_out
        intent_stays_until_its_answer_comes
        refresh_replaces_secrets_and_what_the_answer_told
        refreshed_connection_works_unless_it_was_switched_off
        refused_refresh_rests_the_connection_unless_it_was_switched_off
        failed_refresh_is_due_again_when_it_is_told
    }
    apps {
        tenant_is_served_by_its_own_app_before_the_deployments
        app_is_replaced_whole_by_its_next_generation
        apps_beyond_the_limits_or_with_foreign_secrets_are_refused
        secret_of_a_removed_app_is_none_of_the_next_one
        incident_is_of_the_app_that_was_tried_and_told_to_its_tenant
    }
    flows {
        flow_is_taken_once_with_its_verifier
        expired_flow_is_as_good_as_none
        flows_of_a_tenant_are_bounded_and_expired_ones_forgotten
        flows_beyond_the_limits_are_refused
    }
    access {
        uses_are_numbered_and_listed_newest_first
        what_became_of_uses_never_goes_back
        credential_tells_when_it_was_last_used
        uses_beyond_the_limits_are_refused
        old_uses_are_forgotten
    }
    keys {
        canary_is_replaced_if_it_is_the_expected_one
        new_key_retires_the_one_that_it_follows
        keys_beyond_the_limits_are_refused
        owners_are_listed_in_their_order
        keys_are_wrapped_again_unless_they_were_meanwhile
        secrets_move_to_another_key_one_by_one
        what_is_sealed_under_a_retired_key_is_refused
        destroyed_keys_take_all_secrets_with_them_for_good
        keys_of_the_host_are_no_tenants
    }
}

//! The suite of whom the host serves, and of who asks it.

use super::{api_keys, browsers, idempotency, integrations, tenant_store};

timed_suite! { timed_redb, crate::open_timed_redb:
    tenant_store {
        tenant_is_replaced_under_its_revision_alone
        tenants_are_listed_in_parts_by_id
        tenant_without_integrations_goes_with_its_keys_alone
        tenant_without_a_name_or_with_a_long_one_is_refused
    }
    integrations {
        integration_is_replaced_under_its_revision_alone
        connection_makes_the_integration_that_is_not_there
        connection_of_another_package_joins_no_integration
        integration_with_connections_stays
        integrations_are_listed_by_name_and_tenants_never_meet
        integrations_of_a_tenant_are_bounded
        integrations_beyond_the_limits_are_refused
    }
    api_keys {
        keys_are_listed_by_when_they_were_made_and_tenants_never_meet
        keys_that_break_a_rule_are_refused
        first_key_is_kept_once
        key_that_is_gone_was_the_first_all_the_same
        revoked_key_stays_in_the_list
        last_key_of_an_operator_that_works_is_not_revoked
        last_use_of_a_key_never_goes_back
        keys_that_work_are_bounded_and_others_make_room
    }
    browsers {
        session_lasts_until_it_is_ended_or_expires
        session_ends_with_its_key
        expired_sessions_are_forgotten_by_the_next
        oldest_of_too_many_sessions_of_a_key_ends
        sessions_that_break_a_rule_are_refused
    }
    idempotency {
        request_is_new_then_begun_then_answered
        request_is_heard_by_one_of_those_who_race
        requests_of_others_are_other_requests
        request_of_which_nothing_was_done_is_forgotten
        answer_is_kept_for_a_day
        requests_that_are_old_leave_nothing
        requests_and_answers_beyond_the_limits_are_refused
    }
}

//! The suite of what people see in parts, and of what waits for them.

use super::{catalogue, conflicts, drafts, parts, queue_sessions};

suite! { redb, crate::open_redb:
    parts {
        runs_are_listed_on_from_any_of_them
        list_of_runs_goes_on_while_others_begin
        run_of_another_connection_continues_no_list
        rejects_are_listed_by_code_in_parts_and_counted
        list_of_rejects_goes_on_while_more_are_met
        large_list_of_rejects_is_cut_and_goes_on
        canonical_records_of_a_type_are_counted_up_to_a_limit
    }
    conflicts {
        conflict_is_kept_whole_until_it_is_resolved
        record_has_one_open_conflict_at_a_time
        conflicts_are_listed_by_connection_and_state_in_parts
        list_of_conflicts_goes_on_while_they_come_and_go
        conflicts_of_tenants_never_meet
        large_list_of_conflicts_is_cut_and_goes_on
        conflicts_beyond_the_limits_are_refused_and_nothing_kept
    }
    catalogue {
        disabled_package_stays_so_in_another_version
        packages_that_wait_are_replaced_listed_and_removed_by_their_digest
        packages_that_wait_are_bounded
    }
}

timed_suite! { timed_redb, crate::open_timed_redb:
    drafts {
        draft_counts_its_revisions_and_keeps_when_it_was_begun
        draft_that_somebody_else_has_changed_is_not_buried
        drafts_are_listed_by_kind_and_in_parts
        list_of_drafts_goes_on_while_they_come_and_go
        large_list_of_drafts_is_cut_and_goes_on
        draft_that_nobody_touches_is_forgotten
        drafts_of_a_tenant_are_bounded
        drafts_beyond_the_limits_are_refused
    }
    queue_sessions {
        session_is_seen_as_it_stands
        session_of_a_lost_worker_tells_since_when
        session_behind_a_dead_letter_is_not_due
        sessions_are_seen_in_their_order_and_apart
        jobs_of_a_long_session_are_counted_to_a_limit
        sessions_without_a_name_are_refused
    }
}

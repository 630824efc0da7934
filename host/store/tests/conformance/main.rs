//! What every store must do, written against the ports alone and run on each backend.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy allows them in functions marked as tests, and these are called by such"
)]

mod absence;
mod access;
mod api_keys;
mod apps;
mod breakers;
mod browsers;
mod canonical;
mod catalogue;
mod conflicts;
mod consumers;
mod credentials;
mod drafts;
mod events;
mod flows;
mod idempotency;
mod integrations;
mod keys;
mod links;
mod lists;
mod mapped;
mod pages;
mod parts;
mod queue;
mod queue_dead;
mod queue_dedupe;
mod queue_effects;
mod queue_leases;
mod queue_order;
mod queue_pause;
mod queue_sessions;
mod refreshes;
mod replay;
mod retention;
mod runs;
mod samples;
mod schemas;
mod states;
mod tasks;
mod tenant_store;
mod tenants;

use model::api_key::ApiKeyStore;
use model::breaker::BreakerStore;
use model::canonical::CanonicalStore;
use model::conflict::ConflictStore;
use model::credential::{AccessLog, AppStore, CredentialStore, FlowStore};
use model::draft::DraftStore;
use model::event::EventLog;
use model::idempotency::IdempotencyStore;
use model::integration::IntegrationStore;
use model::queue::JobQueue;
use model::retention::Retention;
use model::schema::SchemaStore;
use model::store::{Catalogue, RecordStore};
use model::task::TaskStore;
use model::tenant::TenantStore;
use model::vault::KeyStore;

/// All ports of one store.
trait Ports:
    RecordStore
    + Catalogue
    + BreakerStore
    + CanonicalStore
    + SchemaStore
    + JobQueue
    + EventLog
    + Retention
    + TaskStore
    + CredentialStore
    + AppStore
    + FlowStore
    + AccessLog
    + KeyStore
    + TenantStore
    + IntegrationStore
    + ApiKeyStore
    + IdempotencyStore
    + DraftStore
    + ConflictStore
{
}

impl<T> Ports for T where
    T: RecordStore
        + Catalogue
        + BreakerStore
        + CanonicalStore
        + SchemaStore
        + JobQueue
        + EventLog
        + Retention
        + TaskStore
        + CredentialStore
        + AppStore
        + FlowStore
        + AccessLog
        + KeyStore
        + TenantStore
        + IntegrationStore
        + ApiKeyStore
        + IdempotencyStore
        + DraftStore
        + ConflictStore
{
}

/// Runs the suite on what `$open` opens: a store with nothing in it, and a guard that is dropped
/// after it.
macro_rules! suite {
    ($backend:ident, $open:path: $($module:ident { $($test:ident)* })*) => {
        mod $backend {
            $($(
                #[tokio::test]
                async fn $test() {
                    let (store, guard) = $open();
                    Box::pin(super::$module::$test(&store)).await;
                    drop(store);
                    drop(guard);
                }
            )*)*
        }
    };
}

fn open_redb() -> (store::Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let clock = model::Clock::manual(samples::at(0));
    (store::Store::open(dir.path(), clock).unwrap(), dir)
}

suite! { redb, crate::open_redb:
    pages {
        page_is_counted_by_what_it_changes
        version_or_contents_make_a_record_differ
        last_word_on_an_id_counts_once
        gone_record_keeps_its_payload_and_is_counted_once
        tombstone_of_an_unknown_record_leaves_no_trace
        record_that_comes_back_is_inserted_again
        records_of_other_entities_count_for_the_lane
        rejects_are_kept_with_their_reason_and_cut
        values_beyond_the_limits_are_refused_by_name
        refused_page_leaves_nothing
        pages_of_a_run_are_committed_in_their_order
        pages_of_a_run_end_at_the_first_that_fails
        pages_that_come_together_are_all_whole
    }
    runs {
        runs_are_counted_from_one
        older_run_is_fenced_off
        run_that_never_began_is_invalid
        unfinished_run_is_interrupted_by_the_next
        ended_run_takes_no_page_and_no_second_end
        last_reads_of_entities_are_kept_by_whatever_runs_follow
        report_adds_up_over_pages_and_ends_as_told
        runs_are_listed_newest_first
        lanes_are_where_the_last_page_left_them
        reset_lanes_are_forgotten_and_others_stay
    }
    lists {
        pages_of_a_list_have_no_gaps_and_no_repetitions
        large_list_is_cut_and_goes_on
        every_field_of_a_record_comes_back
        filters_narrow_the_list
        gone_records_are_listed_on_demand
        list_of_another_query_is_not_continued
        filter_without_its_outer_one_is_refused
    }
    events {
        events_are_numbered_without_gaps_and_tell_what_changed
        each_entity_of_a_page_has_its_own_event
        unchanged_page_has_no_event
        ended_and_interrupted_runs_are_events
        events_are_read_on_from_any_number
    }
    canonical {
        mapped_record_has_a_canonical_one_that_it_is_linked_to
        same_record_and_schema_write_nothing
        change_that_the_mapping_does_not_see_is_no_canonical_event
        gone_record_removes_its_canonical_one_until_it_is_back
        record_that_cannot_be_mapped_is_stored_and_kept_as_a_reject
        new_schema_maps_an_unchanged_record_again
        schema_that_is_taken_away_leaves_the_record_unmapped
        schema_of_another_type_makes_another_record
        canonical_records_are_listed_by_type_in_parts
        outcome_beyond_the_limits_is_refused_by_name
    }
    links {
        identity_joins_records_of_two_connections
        link_overwrites_what_it_has_changed_and_nothing_else
        record_lives_as_long_as_one_of_its_links
        new_record_of_a_removed_identity_is_believed_alone
        records_of_one_entity_of_a_connection_are_never_joined
        records_of_one_page_are_joined_too
        identity_that_a_record_gives_up_joins_nothing_more
        identity_of_another_type_joins_nothing
        same_identity_of_two_tenants_joins_nothing
        cursor_of_a_tenant_lists_nothing_of_another
        links_of_one_record_are_bounded
        references_are_resolved_within_a_connection
    }
    replay {
        what_another_schema_has_mapped_is_listed_with_its_document
        replay_is_counted_by_what_it_changes
        each_part_is_passed_over_by_its_own_program
        record_that_has_changed_meanwhile_is_skipped
        replay_in_parts_and_from_the_front_again_comes_to_an_end
        same_replay_twice_changes_nothing
        replay_joins_what_a_new_schema_knows_again
        replay_of_an_older_run_is_fenced_off
        batches_are_bounded
        search_among_large_records_rests_and_goes_on
    }
    schemas {
        versions_are_appended_and_stay
        version_that_somebody_else_has_saved_is_not_buried
        schemas_are_listed_by_name_and_by_version
        schema_beyond_the_limits_is_refused_by_name
        binding_is_replaced_and_counts_its_revisions
        part_is_bound_apart_from_its_entity
        bindings_of_a_connection_are_bounded
        schema_that_is_not_there_cannot_be_bound
        schemas_of_tenants_never_meet
    }
    consumers {
        consumer_begins_with_the_oldest_event_and_moves_on
        consumer_goes_neither_back_nor_beyond_the_last_event
        removed_consumer_is_forgotten
        consumers_are_bounded
    }
    absence {
        member_of_an_older_read_is_absent
        absent_records_are_listed_in_batches
        record_that_could_not_be_read_is_a_member
        what_is_gone_changed_or_elsewhere_is_not_absent
        tombstone_ends_the_membership
        what_is_absent_is_gone_and_was_not_read
        members_of_lanes_and_entities_never_meet
        held_deletions_are_kept_and_asked_about_once
        decision_is_about_what_a_run_holds
        word_that_is_given_during_a_run_is_not_lost_on_it
        approval_is_spent_by_the_run_that_acts_on_it
    }
    states {
        refused_run_asks_for_authorisation_and_new_secrets_end_that
        state_is_set_and_told_where_it_changes
    }
    tenants {
        tenants_with_the_same_names_never_meet
        prefix_of_a_name_is_another_name
        cursor_of_one_tenant_does_not_open_another
    }
    breakers {
        open_breakers_are_kept_and_closed_ones_forgotten
        every_change_of_a_breaker_is_an_event
    }
    catalogue {
        packages_are_put_replaced_listed_and_removed
        trust_is_remembered_with_and_without_a_package
        connections_are_replaced_and_listed_by_name
        oversized_package_is_refused
    }
}

/// Runs the suite on what `$open` opens, and moves the clock that it tells the time by.
macro_rules! timed_suite {
    ($backend:ident, $open:path: $($module:ident { $($test:ident)* })*) => {
        mod $backend {
            $($(
                #[tokio::test]
                async fn $test() {
                    let (store, clock, guard) = $open();
                    Box::pin(super::$module::$test(&store, &clock)).await;
                    drop(store);
                    drop(guard);
                }
            )*)*
        }
    };
}

mod people;
mod sealed;
mod served;

fn open_timed_redb() -> (store::Store, model::Clock, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let clock = model::Clock::manual(samples::at(0));
    (store::Store::open(dir.path(), clock.clone()).unwrap(), clock, dir)
}

timed_suite! { timed_redb, crate::open_timed_redb:
    retention {
        old_runs_go_but_for_the_newest_and_the_last_good_one
        run_with_many_rejects_goes_in_steps
        old_events_go_that_everybody_has_read
    }
    queue_order {
        jobs_of_a_session_run_in_their_order
        claim_takes_those_that_have_been_due_longest
        job_waits_for_its_time_and_holds_up_what_follows
        claims_are_bounded_as_asked
        batch_ends_where_another_connection_or_package_begins
        skipped_package_holds_up_no_other
        queues_and_tenants_never_meet
        due_tenants_are_listed_by_name_and_go_on
        oldest_is_since_when_the_first_session_waits
        totals_are_of_all_tenants
        what_is_too_large_is_refused_by_name
        earlier_clock_claims_nothing_twice
    }
    queue_leases {
        lease_that_ran_out_is_claimed_again_and_fences_the_first
        lease_ends_once
        epochs_are_not_used_again_by_a_session_that_was_empty
        renewed_lease_lasts_from_now
        attempts_are_counted_when_claimed_but_not_for_what_went_back
        failures_are_kept_to_the_newest
        job_that_lost_a_worker_is_handed_out_alone
        death_that_decides_counts_only_for_who_was_alone_at_work
        outcomes_that_are_not_of_the_claim_are_refused_whole
        run_of_a_lost_claim_writes_nothing
    }
    queue_dead {
        dead_job_is_kept_with_all_that_is_known
        session_that_blocks_waits_for_a_person
        blocked_session_without_jobs_stays_blocked
        session_that_skips_goes_on
        letter_comes_back_before_a_job_at_work
        letters_are_chosen_by_every_condition
        letters_come_back_in_steps_and_apart
        letter_comes_back_with_another_payload
        quarantine_lasts_until_a_person_acts
        deaths_and_what_people_do_are_events
    }
    states {
        rest_of_a_refused_connection_and_pauses_of_people_are_apart
        people_neither_begin_nor_end_the_rest_of_a_refused_connection
        claim_that_finds_the_account_refused_rests_its_connection_in_one_commit
    }
    queue_pause {
        paused_queue_hands_out_nothing
        paused_session_waits_and_others_do_not
        paused_package_waits_and_others_do_not
        paused_connection_waits_and_others_do_not
        pause_before_the_first_job_holds
        pauses_are_listed_in_parts
        pause_ends_by_itself
        pause_is_replaced_by_another_of_its_scope
        lease_under_a_pause_ends_as_ever
        pause_of_what_has_no_name_is_refused
    }
    queue_dedupe {
        key_holds_until_its_job_is_finished
        key_holds_for_its_time_whatever_becomes_of_the_job
        one_key_that_holds_is_enough
        keys_of_another_queue_or_tenant_do_not_count
        dead_job_lets_go_of_its_key_and_takes_it_again
    }
    queue_effects {
        follow_up_work_is_queued_with_the_end
        run_ends_with_its_job
        lanes_are_forgotten_by_the_claim_that_holds_alone
        runs_and_deaths_of_one_call_have_events_of_their_own
        effect_that_is_refused_undoes_the_end
    }
    tasks {
        task_is_replaced_under_its_revision_alone
        tasks_are_listed_by_name_and_tenants_never_meet
        tasks_are_due_by_the_clock_of_the_store
        tasks_that_are_due_later_are_listed_apart
        tick_queues_its_job_and_moves_its_task_on
        tick_of_a_task_that_has_changed_is_void
        tick_of_an_older_lead_does_nothing
        tick_that_is_refused_undoes_those_beside_it
        lead_is_kept_by_its_holder_until_it_runs_out
        lead_from_a_clock_that_ran_ahead_locks_nobody_out
        tasks_and_leads_beyond_the_limits_are_refused
    }
}

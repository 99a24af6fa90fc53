"""Attacks and accidents, for the README: what happens in each, and the tests that show it."""

from __future__ import annotations

ATTACKS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Somebody in the middle: another authority, the right name, a publicly valid leaf, plain HTTP, a redirect, "
        "a known cluster's authority presented by another",
        "The handshake or the redirect ends it, in every trust mode; not a byte of a credential is sent.",
        (
            "tests/proxmox/test_middle.py::test_no_credential_leaves",
            "tests/proxmox/test_middle.py::test_a_redirect_is_not_followed",
            "tests/proxmox/test_middle.py::test_a_server_that_claims_to_be_a_known_cluster_is_not_taken_for_it",
            "tests/proxmox/test_proposals.py::"
            "test_a_man_in_the_middle_at_a_proposed_address_gets_nothing_and_is_not_kept",
        ),
    ),
    (
        "The data directory is stolen, or a backup of it",
        "Secrets are under AES-256-GCM with a key that is not beside them; a copy without keyring or passphrase "
        "opens nothing, and a tampered entry is refused.",
        (
            "tests/storage/test_vault_on_disk.py::test_nothing_of_a_secret_is_in_any_file",
            "tests/storage/test_vault.py::test_a_vault_is_opened_with_its_passphrase_only",
            "tests/storage/test_vault_on_disk.py::test_tampered_entries_are_refused",
        ),
    ),
    (
        "Somebody looks over the shoulder, at the scrollback, the clipboard or the process list",
        "What is typed as a secret is never drawn, copied, logged or in the arguments.",
        (
            "tests/tui/test_secret_hunt_outside.py::test_nobody_sees_a_secret_in_the_process",
            "tests/tui/test_secret_hunt_outside.py::"
            "test_nothing_typed_or_stored_reaches_terminal_clipboard_or_the_logs_of_textual",
            "tests/test_secret_hunt.py::test_the_screens_leak_nothing",
        ),
    ),
    (
        "The laptop is lost while pxm runs",
        "`:lock`, or `lock_after` minutes without a key, drops the key, the secrets and the tickets from memory; what "
        "is on the screen stays. The tokens are scoped, end within a year, and are revoked one by one.",
        (
            "tests/services/test_secret_keeping.py::test_a_lock_drops_key_secrets_and_tickets_and_an_unlock_goes_on",
            "tests/services/test_rotating.py::test_the_old_token_goes_last",
        ),
    ),
    (
        "The cluster is dead when it is deregistered",
        "Record and secrets go all the same; the line that revokes the token later is printed and logged.",
        (
            "tests/cli/test_check_and_deregister.py::"
            "test_deregistering_works_when_the_cluster_is_dead_and_the_vault_closed",
            "tests/services/test_rotating.py::test_a_token_that_cannot_be_revoked_is_named",
        ),
    ),
    (
        "The save fails after a token was made, or the program is killed there",
        "The token is taken back; after a kill the next start names it, and the next login to the cluster removes it.",
        (
            "tests/services/test_minting.py::test_a_token_is_taken_back_if_the_save_fails",
            "tests/services/test_minting.py::test_a_cancelled_registration_takes_its_token_back",
            "tests/storage/test_intents.py::test_a_killed_process_leaves_its_intent",
            "tests/services/test_minting.py::test_the_next_login_removes_a_token_that_was_left",
            "tests/services/test_new_login.py::test_every_login_with_a_password_removes_what_was_left",
            "tests/services/test_new_login.py::test_cancelled_while_it_saves_the_token_stays_that_the_record_has",
        ),
    ),
    (
        "The program is killed, the power goes, or the disk fails while a login is changed",
        "The new secret is kept beside the old one, then the record is replaced in one step, then the old one is "
        "erased: whatever was killed when, the record finds the secret of its own login. What is left over is erased "
        "at a later start, after 10 minutes.",
        (
            "tests/storage/test_login_crashes.py::test_kill_9_at_any_step_of_a_change_leaves_a_login_that_works",
            "tests/storage/test_login_crashes.py::test_whoever_is_killed_when_the_record_s_login_works",
            "tests/storage/test_login_crashes.py::test_wherever_the_disk_fails_the_record_s_login_works",
        ),
    ),
    (
        "The registry is damaged, or moved away",
        "The copy is in use, and the damaged file is kept. Secrets whose records may have been lost with it are not "
        "erased: who puts them back finds them.",
        (
            "tests/storage/test_tinydb_repository.py::test_a_lost_file_is_replaced_by_the_copy",
            "tests/storage/test_lost_registry.py::test_nothing_is_swept_while_the_registry_is_not_there",
            "tests/storage/test_lost_registry.py::test_what_a_registry_that_is_gone_may_have_known_is_not_swept",
            "tests/storage/test_lost_registry.py::test_what_a_damaged_registry_may_have_known_is_not_swept",
        ),
    ),
    (
        "Two people change the login of one cluster at once",
        "One wins; the other is told, and has erased nothing but what it had put itself.",
        (
            "tests/storage/test_login_crashes.py::"
            "test_of_two_that_change_one_login_at_once_one_wins_and_the_other_is_told",
            "tests/storage/test_login_crashes.py::test_two_programs_that_change_one_login_at_once_lose_none",
        ),
    ),
    (
        "Two people register at once",
        "Each write happens under a lock; of two registrations of one cluster the second is refused, and two programs "
        "lose nothing of each other's.",
        (
            "tests/services/test_identity.py::test_of_two_registrations_at_once_one_is_refused",
            "tests/storage/test_processes.py::test_two_programs_that_register_50_clusters_each_lose_none",
        ),
    ),
    (
        "Proxmox VE renews a node's certificate",
        "Under the cluster's pinned authority nothing is asked. A pinned leaf stops, and the comparison says that the "
        "key is the same.",
        (
            "tests/services/test_vouching.py::test_a_renewed_leaf_of_the_authority_is_kept_in_the_record",
            "tests/services/test_clusters.py::test_a_changed_certificate_gets_no_credential_and_a_verdict",
            "tests/cli/test_must_show.py::test_a_renewed_certificate",
        ),
    ),
    (
        "The cluster's authority is replaced, or a node shows a certificate of its own",
        "`untrusted`, and nothing is sent, until somebody compares; a node's own certificate is taken without a "
        "question only where another node that still verifies vouches for it.",
        (
            "tests/proxmox/test_faults.py::test_a_certificate_of_another_authority_gets_no_request_and_a_verdict",
            "tests/services/test_vouching.py::test_a_leaf_that_no_other_node_knows_stays_untrusted",
            "tests/services/test_proposals.py::test_one_that_is_not_listed_stays_out_and_is_named",
            "tests/services/test_vouching.py::test_accepting_a_changed_certificate_pins_the_authority_that_signed_it",
            "tests/cli/test_must_show.py::test_a_replaced_authority",
        ),
    ),
    (
        "A token has expired, or one node alone refuses it",
        "A second endpoint is asked once before it is believed; then `unauthorized`, and it is not sent again until "
        "a person acts. The end is warned of 30 and 7 days before.",
        (
            "tests/services/test_failover.py::test_a_refused_token_is_confirmed_once_elsewhere",
            "tests/services/test_failover.py::test_a_token_that_one_node_alone_refuses_is_good",
            "tests/services/test_refreshing.py::test_a_refused_token_is_sent_once",
        ),
    ),
    (
        "The clocks differ, and TOTP codes fail",
        "The code is sent once; the message names the difference of the clocks and how Proxmox locks a second factor.",
        ("tests/proxmox/test_session.py::test_clocks_that_differ_are_named",),
    ),
    (
        "The login may see or do less than is needed",
        "The step is a warning with the missing privileges and the `pveum` line; what may not be seen is `?`, never 0.",
        (
            "tests/services/test_registration.py::test_missing_privileges_are_a_warning_with_the_line_that_grants_them",
            "tests/proxmox/test_faults.py::test_privileges_that_are_gone_are_listed_and_never_shown_as_nothing",
            "tests/cli/test_must_show.py::test_a_token_without_any_right_says_what_is_missing",
        ),
    ),
    (
        "A registered cluster says that nodes of another one, or other machines, are its own",
        "A handshake is all that an address gets before its certificate is vouched for. An endpoint of another "
        "registered cluster is not looked at, so that the login of the one is never sent to the other.",
        (
            "tests/services/test_proposals.py::test_an_endpoint_of_another_cluster_is_not_taken_but_that_of_a_copy_is",
            "tests/services/test_identity.py::test_one_that_has_the_leaf_of_another_cluster_does_not_take_its_place",
        ),
    ),
    (
        "The same cluster is registered twice",
        "It is known by its proven authority, whatever its name or address, or vouches itself for a node that has a "
        "certificate of its own: the node becomes an endpoint of it, or `already_registered` where nobody is there to "
        "ask. Where it cannot be asked, a warning names it. A server that only says it is of it gets no credential "
        "of it and no place in it.",
        (
            "tests/services/test_identity.py::test_a_second_node_of_a_known_cluster_becomes_an_endpoint_of_it",
            "tests/services/test_identity.py::test_without_a_person_the_hint_names_the_cluster_and_the_line",
            "tests/services/test_identity.py::test_another_cluster_of_the_same_name_is_another_cluster",
            "tests/cli/test_must_show.py::test_two_nodes_of_one_cluster",
            "tests/cli/test_must_show.py::test_two_nodes_of_one_cluster_one_of_which_has_a_certificate_of_its_own",
            "tests/services/test_membership.py::test_where_it_cannot_be_asked_nothing_is_proven_and_the_step_says_so",
            "tests/proxmox/test_membership.py::"
            "test_a_server_that_lies_gets_nothing_of_the_known_cluster_and_no_place_in_it",
        ),
    ),
)

"""What users of each type may do."""

from jobmonitor.crm.permissions import PERMISSIONS, permissions_of


def test_a_user_may_do_what_the_group_grants_and_admins_everything() -> None:
    assert permissions_of("user", ["export", "jobs.view"]) == {"export", "jobs.view"}
    assert permissions_of("user", []) == frozenset()
    assert permissions_of("admin", []) == permissions_of("super_admin", []) == PERMISSIONS


def test_a_group_cannot_grant_what_does_not_exist() -> None:
    assert permissions_of("user", ["export", "everything"]) == {"export"}

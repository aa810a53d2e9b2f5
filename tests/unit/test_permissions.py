"""What users of each type may do."""

from jobmonitor.crm.permissions import PERMISSIONS, known_permissions, permissions_of


def test_a_user_may_do_what_the_group_grants_and_admins_everything() -> None:
    assert permissions_of("user", ["export", "jobs.view"], PERMISSIONS) == {"export", "jobs.view"}
    assert permissions_of("user", [], PERMISSIONS) == frozenset()
    assert permissions_of("admin", [], PERMISSIONS) == permissions_of("super_admin", [], PERMISSIONS) == PERMISSIONS


def test_a_group_cannot_grant_what_does_not_exist() -> None:
    assert permissions_of("user", ["export", "everything"], PERMISSIONS) == {"export"}


def test_a_permission_that_only_a_job_type_knows_can_be_granted_and_is_an_admins() -> None:
    known = known_permissions(["words.count"])
    assert permissions_of("user", ["words.count", "everything"], known) == {"words.count"}
    assert permissions_of("admin", [], known) == PERMISSIONS | {"words.count"}

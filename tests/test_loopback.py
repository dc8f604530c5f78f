"""Which addresses are of the machine itself."""

from __future__ import annotations

import pytest

from deidsynth.loopback import is_loopback


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_addresses_are_of_this_machine(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "2130706433", "127.1", ""])
def test_other_addresses_are_not(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize("name", ["localhost", "localhost.example", "127.0.0.1.example", "[::1]", "127.0.0.1:80"])
def test_what_is_no_bare_address_is_not(name: str) -> None:
    assert not is_loopback(name)

"""Mutants that break what shares promise by themselves."""

from dataclasses import replace

from cloudlayer.errors import InvalidSpec
from cloudlayer.testing import ShareConformance
from cloudlayer.units import GIB
from tests.mutants.base import SECRET, Denying, SimulatedShares, Untidy, breaks, calling


@breaks("a_share_is_of_the_protocol_and_size_that_were_asked_for")
class SpeaksNfsAlone(SimulatedShares):
    def create(self, spec, *, token, deadline=None):
        return super().create(spec.model_copy(update={"protocol": "nfs"}), token=token, deadline=deadline)


@breaks("a_share_is_of_the_protocol_and_size_that_were_asked_for")
class RoundsSharesDown(SimulatedShares):
    def create(self, spec, *, token, deadline=None):
        return super().create(spec.model_copy(update={"size": spec.size // GIB * GIB}), token=token, deadline=deadline)


@breaks("a_share_is_of_the_protocol_and_size_that_were_asked_for")
class ListsEmptyShares(SimulatedShares):
    def list(self, labels=None, *, deadline=None):
        return [replace(share, size=0) for share in super().list(labels, deadline=deadline)]


class Mounts(SimulatedShares):
    """Says otherwise how a share is mounted, whenever it is looked at."""

    def mount(self, share):
        return share.mount_command

    def get(self, id, *, deadline=None):
        share = super().get(id, deadline=deadline)
        return replace(share, mount_command=share.mount_command and self.mount(share))

    def list(self, labels=None, *, deadline=None):
        found = super().list(labels, deadline=deadline)
        return [replace(share, mount_command=share.mount_command and self.mount(share)) for share in found]


@breaks("a_ready_share_says_how_it_is_mounted")
class MountsNothing(Mounts):
    def mount(self, share):
        return None


@breaks("a_ready_share_says_how_it_is_mounted")
class MountsOneShareForAll(Mounts):
    def mount(self, share):
        return share.mount_command.replace(share.id, "share")


@breaks("a_ready_share_says_how_it_is_mounted")
class MountsByAnotherProtocol(Mounts):
    def mount(self, share):
        return share.mount_command.replace("cifs", "nfs")


@breaks("a_ready_share_says_how_it_is_mounted")
class MountsInTwoLines(Mounts):
    def mount(self, share):
        return share.mount_command.replace(" && ", "\n")


@breaks("a_ready_share_says_how_it_is_mounted")
class MountsWhatIsNotThereYet(SimulatedShares):
    def create(self, spec, *, token, deadline=None):
        return replace(super().create(spec, token=token, deadline=deadline), mount_command="sudo mount -t nfs here /mnt")


@breaks("a_share_gives_no_secret_away")
class MountsWithTheKey(Mounts):
    def mount(self, share):
        return share.mount_command.replace("credentials=/etc/cloudlayer/", "username=share,password=")


@breaks("a_share_gives_no_secret_away")
class TellsTheKey(SimulatedShares):
    def list(self, labels=None, *, deadline=None):
        return [replace(share, reason=f"its key is {SECRET}") for share in super().list(labels, deadline=deadline)]


@breaks("a_share_that_is_refused_leaves_nothing")
class LeavesTheAccountOfWhatIsRefused(calling(Untidy), SimulatedShares):
    pass


@breaks("a_share_that_is_refused_leaves_nothing")
class MakesASmallerOne(SimulatedShares):
    def create(self, spec, *, token, deadline=None):
        try:
            return super().create(spec, token=token, deadline=deadline)
        except InvalidSpec:
            return super().create(spec.model_copy(update={"size": GIB}), token=token, deadline=deadline)


@breaks("a_share_of_a_protocol_that_is_missing_is_unsupported", ShareConformance)
class SpeaksSmbAllTheSame(Denying):
    denied = "share_smb"

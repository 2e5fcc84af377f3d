"""In place of Pulumi's own package of this name, which makes networks by a plug-in that is in no package registry.

Its network is the one that STAND_IN_NETWORK names, which is there already: it makes nothing, and shows nothing of how that
package makes things. What it stands in for is that an id of one of its resources is an output when our program gets it.
"""

from . import networking

__all__ = ["networking"]

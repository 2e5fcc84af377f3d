"""A small engine with Pulumi's semantics, for tests: it runs a real program and the SDK's real plug-in, without the CLI.

Pulumi's own engine comes with its CLI alone, in no package registry. This one is a model of it, not it: what passes here is
to be tried once with the real one before it is promised to users.

    stack = Stack(folder, program="path/to/main.py", project="p", name="dev", config={"p:key": "v"})
    result = stack.up()     # or preview, refresh, destroy, up(refresh=True), up(replace=[urn])
    result.ok, result.steps, result.messages, result.failures, result.outputs
    stack.resources["name"].outputs

What is modelled:

- A program in a process of its own, which registers components, dynamic resources and outputs, and logs; `get` of a dynamic
  resource by its id; functions of other providers that a test fakes (`invokes`), all others being errors.
- The plug-in `python -m pulumi.dynamic`, one process a run, configured with the stack's whole configuration.
- Check with the old inputs (none for a replacement, which is checked again); Diff with the old outputs; a provider without an
  opinion on changes is answered for by comparing inputs; same, update, replace (create before delete, or delete before replace
  by the provider's or the program's word, then with the dependents that cannot stay); a failed check names its property.
- Previews on a copy of the state: no create, update or delete; a dynamic provider has no previews, so inputs stand for outputs
  and the SDK takes the rest, and the id of what is not made yet, as unknown.
- A create that fails leaves nothing; one that fails with ErrorResourceInitFailed leaves what it made, which the next run
  updates.
- Deletions after all creates and only after a program that went through, dependents first; what vanished from the program goes;
  protected resources are neither deleted nor replaced; retainOnDelete, ignoreChanges and replaceOnChanges (whole top-level
  properties), additionalSecretOutputs.
- Secrets: the plug-in gets them in clear, its answers are marked again by name; sealed in the state file, struck from messages
  if they come from the configuration.
- Refresh; pending operations, written before and struck out with each step; the state saved after each step, so that a kill -9
  of this process leaves a true one. A killed plug-in fails the step, and nothing else is lost.
- After a failure running steps end, no step begins, and the program finds the monitor gone.

What is not:

- Providers other than the dynamic one, explicit providers, remote components, aliases, import, replacement_trigger: refused
  with a failure, so that nothing passes for done. The SDK itself refuses deletedWith, replaceWith, transforms, hooks and
  parameterized packages, which this engine does not announce.
- The default provider is no resource of the state. Pulumi deletes in parallel; here it is one after the other.
- A pending create is reported once and dropped; Pulumi keeps it until an interactive refresh clears it.
- Targets, plans, policies, stack references, timeouts of resources, continue-on-error, deletion of dependents by a refresh.
- Paths into properties ("a.b[0]") in ignoreChanges and the like; detailed diffs.
"""

from .results import Failure, Message, Result, Step
from .stack import Stack
from .state import State
from .values import UNKNOWN, Secret

__all__ = ["UNKNOWN", "Failure", "Message", "Result", "Secret", "Stack", "State", "Step"]

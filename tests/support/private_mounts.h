// Lets this process mount filesystems that no other process sees and that vanish with it.
#pragma once

#include "absl/status/status.h"

namespace tidemark::support {

// Moves the process into a mount namespace of its own; without root, or as root without
// CAP_SYS_ADMIN, also into a user namespace, in which it keeps its uid (and root all others, too).
// Only the first call acts. kUnimplemented with the reason where the machine does not allow it; a
// root process that has threads already simply stays where it is.
absl::Status EnterPrivateMounts();

}  // namespace tidemark::support

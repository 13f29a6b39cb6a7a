// Which SPU has the volume a person named.
//
// Errors: kNotFound, or kInvalidArgument if several fit; both list the volumes there are.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/commands/volume_table.h"
#include "cli/invocation.h"

namespace tidemark::cli {

// `name`: uuid, a unique prefix of it, the path, or SPU:PATH. A place names the volume that is
// there, not one that was there and is absent. Empty: the only volume there is, or
// the only one that is not Ready.
absl::StatusOr<VolumeView> FindVolume(const Invocation& invocation, const std::string& name);

// The pure half.
absl::StatusOr<VolumeView> ChooseVolume(const std::vector<VolumeView>& volumes,
                                        const std::string& name);

// As commands take it: SPU:PATH, or the uuid where another has taken that place.
std::string NameOf(const VolumeView& view, const std::vector<VolumeView>& volumes);

std::vector<VolumeView> ViewsOf(const sc::v1::ListSpusResponse& spus);

}  // namespace tidemark::cli

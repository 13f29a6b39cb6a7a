// What people and the SC are shown of a volume, computed from it whenever it is asked.
//
// Threading: on the loop.
#pragma once

#include <optional>

#include "spu/core/report_of.h"
#include "spu/volume/volume_set.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::spu {

tidemark::space::v1::Volume VolumeMessage(const Volume& volume);
tidemark::space::v1::Explanation ExplanationMessage(const Volume& volume);

// Of one that could not be opened: why, and what to do.
tidemark::space::v1::Volume UnopenedMessage(const UnopenedVolume& volume);
tidemark::space::v1::Explanation UnopenedExplanation(const UnopenedVolume& volume);

tidemark::space::v1::ReclaimStep ReclaimStepMessage(const Volume& volume,
                                                    const monitor::ReclaimCandidate& candidate);

// nullopt before there is anything durable to tell. `boot_count` numbers the lost-data holds: they
// are found when a partition is opened, and do not change while it is open.
std::optional<VolumeTruth> TruthOf(const Volume& volume, std::uint64_t boot_count);

}  // namespace tidemark::spu

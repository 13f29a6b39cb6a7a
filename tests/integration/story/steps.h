// The seven steps of the story, in their order. Each leaves the stage as the next one expects it.
//
// Errors: what was expected and what was seen instead.
#pragma once

#include "absl/status/status.h"
#include "tests/integration/story/stage.h"

namespace tidemark::story {

absl::Status ServeRecords(Stage& stage);
absl::Status FillTheVolume(Stage& stage);
absl::Status CutTheWire(Stage& stage);
absl::Status KillTheDaemons(Stage& stage);
absl::Status LetANeighbourTakeTheSpace(Stage& stage);
absl::Status ReclaimTheSpace(Stage& stage);
absl::Status ReadEverythingBack(Stage& stage);

}  // namespace tidemark::story

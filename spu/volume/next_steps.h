// What a person has to do about a volume, in order, as he would type it. Empty: nothing.
//
// Pure: from what is shown of the volume, so that the advice cannot rest on anything else.
#pragma once

#include <string>
#include <vector>

#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::spu {

std::vector<std::string> NextSteps(const tidemark::space::v1::Explanation& explanation);

}  // namespace tidemark::spu

// A volume's space as a bar with its marks on it.
//
//   [##############......L...R..F]   # used, . free; below F nothing is written,
//                                     it goes on when the # end left of R, L warns
#pragma once

#include <cstddef>
#include <string>

#include "tidemark/space/v1/space.pb.h"

namespace tidemark::cli {

// `width` characters between the brackets. "[?…]" without a valid reading.
std::string SpaceBar(const space::v1::Reading& reading, const space::v1::Marks& marks,
                     std::size_t width);

}  // namespace tidemark::cli

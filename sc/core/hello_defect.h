// What is wrong with a Hello by itself, whoever sent it.
//
// Pure.
#pragma once

#include <string>

#include "tidemark/sc/v1/control.pb.h"

namespace tidemark::sc {

// Empty: nothing. Else a sentence with the numbers in it.
std::string FindHelloDefect(const v1::Hello& hello);

}  // namespace tidemark::sc

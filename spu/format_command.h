// `tidemark-spu format DIR [--require-mountpoint]`: makes a volume of an empty directory.
//
// Returns the process's exit code: 0, 2 usage, 78 with the reason on stderr.
#pragma once

namespace tidemark::spu {

// `argv[0]` is the word after "format".
int RunFormat(int argc, const char* const* argv);

}  // namespace tidemark::spu

// How `tidemark consume --format` writes a record.
//
//   %v value  %k key  %o offset  %p partition  %t time  %T topic  %% percent  \n \t \\ \0
//
// Errors: Create → kInvalidArgument for an unknown letter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/client/consumer.h"

namespace tidemark::cli {

class RecordFormat {
 public:
  static absl::StatusOr<RecordFormat> Create(std::string_view text);

  std::string Apply(std::string_view topic, std::int32_t partition,
                    const client::IncomingRecord& record) const;

 private:
  struct Piece {
    char letter = 0;  // 0: literal
    std::string literal;
  };
  std::vector<Piece> pieces_;
};

}  // namespace tidemark::cli

#include "cli/client/batch_decoder.h"

#include "gmock/gmock.h"
#include "storage/codec/batch_builder.h"
#include "storage/codec/batch_codec.h"
#include "tests/support/status_matchers.h"

namespace tidemark::client {
namespace {

using support::StatusIs;
using testing::HasSubstr;

// A stamped batch of `records` records from `base_offset` on.
std::string Batch(std::int64_t base_offset, int records) {
  storage::BatchBuilder builder;
  for (int i = 0; i < records; ++i) builder.Add({});
  const storage::Buffer batch = builder.Build();
  const auto header = storage::StampedHeader(batch.bytes(), base::Offset(base_offset), 1);
  std::string bytes(reinterpret_cast<const char*>(batch.data()), batch.size());
  return bytes.replace(0, header.size(), reinterpret_cast<const char*>(header.data()),
                       header.size());
}

TEST(BatchDecoderTest, GoesOnWhereTheLastMessageEnded) {
  BatchDecoder decoder(0);
  ASSERT_OK(decoder.Decode(Batch(0, 2) + Batch(2, 3)));
  ASSERT_OK_AND_ASSIGN(const auto records, decoder.Decode(Batch(5, 1)));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].offset, 5);
  EXPECT_EQ(decoder.next_offset(), 6);
}

TEST(BatchDecoderTest, RefusesAGap) {
  BatchDecoder decoder(0);
  EXPECT_THAT(decoder.Decode(Batch(0, 2) + Batch(3, 1)).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("offsets 2 to 2 are missing")));
}

TEST(BatchDecoderTest, RefusesARepetition) {
  BatchDecoder decoder(0);
  EXPECT_THAT(decoder.Decode(Batch(0, 2) + Batch(0, 2)).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("offsets 0 to 1 came again")));
}

TEST(BatchDecoderTest, RefusesATornBatch) {
  BatchDecoder decoder(0);
  const std::string batch = Batch(0, 2);
  EXPECT_THAT(decoder.Decode(std::string_view(batch).substr(0, batch.size() - 1)).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("offset 0")));
}

}  // namespace
}  // namespace tidemark::client

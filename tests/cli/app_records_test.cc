// Records: produced, consumed and trimmed.
#include <fstream>
#include <sstream>

#include "cli/app.h"
#include "gmock/gmock.h"
#include "tests/cli/app_fixture.h"
#include "tests/support/temp_directory.h"

namespace tidemark::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(AppTest, ARecordThatNoSpuTakesIsRefusedBeforeItIsMade) {
  const Ran ran = Run({"produce", "orders", "--count", "1", "--size", "4TiB"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("record of 4398046511104 bytes is too large: the SPU takes "
                                 "batches up to 1048576 bytes"));
}

TEST_F(AppTest, AnUnknownTopicIsNamedWithTheNearest) {
  const Ran ran = Run({"produce", "order"}, "x\n");
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("there is no topic 'order': did you mean 'orders'?"));
}

TEST_F(AppTest, ProducesLinesOverAllPartitionsAndSaysTheirOffsets) {
  const Ran ran = Run({"produce", "orders"}, "a\nb\nc\nd\n");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(spu_.values(10), ElementsAre("a", "c"));
  EXPECT_THAT(spu_.values(11), ElementsAre("b", "d"));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("4 records"), HasSubstr("orders/0  offsets 0 to 1")));
  EXPECT_EQ(ran.out, "");
}

TEST_F(AppTest, BatchesAreNoLargerThanTheTopicTakes) {
  for (auto& topic : *sc_.topics.mutable_topics()) topic.mutable_policy()->set_batch_bytes_max(512);
  std::string lines;
  for (int i = 0; i < 3000; ++i) lines += std::string(80, 'x') + "\n";
  const Ran ran = Run({"produce", "orders", "--partition", "0"}, lines);
  EXPECT_EQ(ran.code, 0) << ran.err;
  for (const int records : spu_.batches(10)) EXPECT_LE(records, 5);
}

TEST_F(AppTest, AKeyStaysInItsPartition) {
  const Ran ran = Run({"produce", "orders", "--key-separator", "\\t"}, "k\t1\nk\t2\nk\t3\n");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(spu_.values(10).empty() ? spu_.values(11) : spu_.values(10),
              ElementsAre("1", "2", "3"));
}

TEST_F(AppTest, ProducesAFile) {
  const support::TempDirectory directory;
  const std::string path = directory.File("lines");
  std::ofstream(path) << "one\ntwo\n";
  EXPECT_EQ(Run({"produce", "orders", "--partition", "1", "--file", path}).code, 0);
  EXPECT_THAT(spu_.values(11), ElementsAre("one", "two"));
  EXPECT_EQ(Run({"produce", "orders", "--file", path + ".gone"}).code, 2);
}

TEST_F(AppTest, InputThatCannotBeReadIsAnErrorAndNotItsEnd) {
  const support::TempDirectory directory;
  const Ran ran = Run({"produce", "orders", "--file", directory.path()});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("--file '" + directory.path() + "' is a directory"));
  std::ifstream in(directory.path(), std::ios::binary);
  std::ostringstream out;
  EXPECT_EQ(RunTidemark({"--sc", sc_.endpoint(), "produce", "orders"}, {in, out, out}), 1);
  EXPECT_THAT(out.str(), HasSubstr("reading standard input failed"));
}

TEST_F(AppTest, LeavesWithStatusTenWhenTheVolumeIsFull) {
  MakeFull();
  const Ran ran = Run({"produce", "orders"}, "a\nb\n");
  EXPECT_EQ(ran.code, 10);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("10.0 MiB available, full mark 13.0 MiB"),
                             HasSubstr("10485760 bytes"), HasSubstr("18874368 bytes"),
                             HasSubstr("tidemark volume explain /data/a"),
                             HasSubstr("first record not acknowledged: number")));
}

TEST_F(AppTest, TheRefusalIsInTheJsonSummary) {
  MakeFull();
  const Ran ran = Run({"produce", "orders", "-o", "json"}, "a\n");
  EXPECT_EQ(ran.code, 10);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("\"acknowledged\":0"), HasSubstr("\"refused\":1"),
                             HasSubstr("\"reason\":\"REFUSAL_REASON_OUT_OF_SPACE\""),
                             HasSubstr("\"full_bytes\":13631488")));
}

TEST_F(AppTest, ConsumesWhatIsThereInOrder) {
  spu_.Fill(10, {"a", "b", "c"}, 2);
  const Ran ran = Run({"consume", "orders", "--partition", "0"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "a\nb\nc\n");
  EXPECT_EQ(Run({"consume", "orders", "--partition", "0", "--from", "1", "--count", "1", "--format",
                 "%o:%v|"})
                .out,
            "1:b|");
  EXPECT_THAT(Run({"consume", "orders", "--partition", "0", "--count", "1", "-o", "json"}).out,
              StartsWith(R"({"topic":"orders","partition":0,"offset":0,"timestamp":)"));
}

TEST_F(AppTest, ConsumeFailsOnADamagedBatch) {
  spu_.Fill(10, {"a"}, 1);
  spu_.corrupt_batches = true;
  const Ran ran = Run({"consume", "orders"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out, "");
}

TEST_F(AppTest, TrimsToAnOffsetOrToTheEnd) {
  spu_.Fill(11, {"a", "b", "c"}, 1);
  EXPECT_EQ(Run({"trim", "orders/1", "--before", "end"}).code, 0);
  EXPECT_EQ(spu_.trimmed_before(11), 3);
  EXPECT_EQ(Run({"trim", "orders/0", "--before", "17"}).code, 0);
  EXPECT_EQ(spu_.trimmed_before(10), 17);
  EXPECT_EQ(Run({"trim", "orders", "--before", "17"}).code, 2);
  EXPECT_EQ(Run({"trim", "orders/0", "--before", "soon"}).code, 2);
  EXPECT_EQ(Run({"trim", "orders/9", "--before", "17"}).code, 2);
}

}  // namespace
}  // namespace tidemark::cli

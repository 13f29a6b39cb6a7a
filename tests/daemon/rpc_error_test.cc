#include "daemon/rpc_error.h"

#include <random>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "base/errno_status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tidemark::daemon {
namespace {

using support::IsOk;
using support::StatusIs;
using testing::Optional;

constexpr std::string_view kType = "tidemark.log.v1.Refusal";

TEST(RpcErrorTest, CarriesCodeMessageAndDetailBothWays) {
  absl::Status status = absl::ResourceExhaustedError("append refused: 412 MiB available");
  const std::string bytes("\x00\x01\xff detail", 10);
  AttachDetail(status, kType, bytes);
  AttachDetail(status, "tidemark.log.v1.Other", "more");

  const absl::Status back = FromGrpc(ToGrpc(status));
  EXPECT_THAT(back, StatusIs(absl::StatusCode::kResourceExhausted,
                             testing::HasSubstr("412 MiB available")));
  EXPECT_THAT(DetailOf(back, kType), Optional(bytes));
  EXPECT_THAT(DetailOf(back, "tidemark.log.v1.Other"), Optional(std::string("more")));
  EXPECT_EQ(DetailOf(back, "tidemark.log.v1.Absent"), std::nullopt);
}

TEST(RpcErrorTest, EncodesGoogleRpcStatus) {
  absl::Status status = absl::NotFoundError("no");
  AttachDetail(status, "a.B", "\x08\x01");
  // code 5; message "no"; details {type_url "type.googleapis.com/a.B", value 08 01}
  EXPECT_EQ(absl::BytesToHexString(ToGrpc(status).error_details()),
            "0805"
            "12026e6f"
            "1a1d0a17" +
                absl::BytesToHexString("type.googleapis.com/a.B") + "12020801");
}

TEST(RpcErrorTest, KeepsOkAndPlainErrorsPlain) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_THAT(FromGrpc(grpc::Status::OK), IsOk());
  const grpc::Status plain = ToGrpc(absl::AbortedError("why"));
  EXPECT_EQ(plain.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(plain.error_message(), "why");
  EXPECT_EQ(plain.error_details(), "");
}

TEST(RpcErrorTest, DoesNotTellTheErrnoToTheOtherSide) {
  const absl::Status status = base::ErrnoStatus(EIO, "read segment");
  EXPECT_EQ(ToGrpc(status).error_details(), "");
}

TEST(RpcErrorTest, IgnoresATrailerThatIsGarbage) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 2000; ++i) {
    std::string garbage(random() % 40, '\0');
    for (char& c : garbage) c = static_cast<char>(random());
    EXPECT_THAT(FromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "m", garbage)),
                StatusIs(absl::StatusCode::kInternal));
  }
  // A length far beyond the end.
  EXPECT_THAT(FromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "m", "\x1a\xff\xff\xff\xff\x0f")),
              StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace tidemark::daemon

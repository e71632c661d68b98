using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using CozeCluster.TestKit;
using CozeCluster.Upstreams.Coze;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Tests.Coze;

public sealed partial class CozeErrorsTests
{
    private static readonly Dictionary<long, ErrorCode> Expected = new()
    {
        [4000] = ErrorCode.UpstreamInvalidRequest,
        [4001] = ErrorCode.UpstreamNotFound,
        [4002] = ErrorCode.UpstreamNotFound,
        [4003] = ErrorCode.UpstreamInvalidRequest,
        [4004] = ErrorCode.UpstreamInvalidRequest,
        [4005] = ErrorCode.UpstreamInvalidRequest,
        [4006] = ErrorCode.UpstreamNotFound,
        [4007] = ErrorCode.UpstreamInvalidRequest,
        [4008] = ErrorCode.UpstreamRateLimited,
        [4009] = ErrorCode.UpstreamRateLimited,
        [4010] = ErrorCode.ContextLengthExceeded,
        [4011] = ErrorCode.UpstreamQuotaExceeded,
        [4012] = ErrorCode.UpstreamNotFound,
        [4013] = ErrorCode.UpstreamFailed,
        [4014] = ErrorCode.ContentFiltered,
        [4015] = ErrorCode.UpstreamForbidden,
        [4016] = ErrorCode.UpstreamBusy,
        [4019] = ErrorCode.UpstreamQuotaExceeded,
        [4020] = ErrorCode.UpstreamRateLimited,
        [4021] = ErrorCode.UpstreamNotFound,
        [4022] = ErrorCode.UpstreamQuotaExceeded,
        [4028] = ErrorCode.UpstreamQuotaExceeded,
        [4100] = ErrorCode.UpstreamUnauthorized,
        [4101] = ErrorCode.UpstreamForbidden,
        [4102] = ErrorCode.UpstreamForbidden,
        [4104] = ErrorCode.UpstreamBusy,
        [4105] = ErrorCode.ContentFiltered,
        [4200] = ErrorCode.UpstreamNotFound,
        [4300] = ErrorCode.FileRejected,
        [4301] = ErrorCode.FileRejected,
        [4302] = ErrorCode.FileRejected,
        [4303] = ErrorCode.FileRejected,
        [4304] = ErrorCode.FileRejected,
        [4315] = ErrorCode.UpstreamBusy,
        [5000] = ErrorCode.UpstreamFailed,
        [700012006] = ErrorCode.UpstreamUnauthorized,
        [720701013] = ErrorCode.UpstreamFailed,
    };

    [Fact]
    public void Map_EveryKnownCode_DoesNotDependOnTheStatus()
    {
        Assert.Equal(Expected.Keys.Order(), CozeErrors.KnownCodes.Order());
        foreach (var (code, expected) in Expected)
        {
            foreach (var status in new HttpStatusCode?[] { null, HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.InternalServerError })
                Assert.Equal((code, expected), (code, CozeErrors.Map(new CozeRefusal(code, "x"), status)));
        }
    }

    [Theory]
    [InlineData(400, ErrorCode.UpstreamInvalidRequest)]
    [InlineData(401, ErrorCode.UpstreamUnauthorized)]
    [InlineData(402, ErrorCode.UpstreamQuotaExceeded)]
    [InlineData(403, ErrorCode.UpstreamForbidden)]
    [InlineData(404, ErrorCode.UpstreamNotFound)]
    [InlineData(408, ErrorCode.UpstreamTimeout)]
    [InlineData(409, ErrorCode.UpstreamBusy)]
    [InlineData(405, ErrorCode.UpstreamFailed)]
    [InlineData(413, ErrorCode.UpstreamInvalidRequest)]
    [InlineData(415, ErrorCode.UpstreamFailed)]
    [InlineData(422, ErrorCode.UpstreamInvalidRequest)]
    [InlineData(429, ErrorCode.UpstreamRateLimited)]
    [InlineData(500, ErrorCode.UpstreamFailed)]
    [InlineData(502, ErrorCode.UpstreamUnavailable)]
    [InlineData(503, ErrorCode.UpstreamUnavailable)]
    [InlineData(504, ErrorCode.UpstreamTimeout)]
    [InlineData(200, ErrorCode.UpstreamFailed)]
    [InlineData(302, ErrorCode.UpstreamProtocol)]
    public void Map_UnknownCode_UsesTheStatus(int status, ErrorCode expected) =>
        Assert.Equal(expected, CozeErrors.Map(new CozeRefusal(4027, "x"), (HttpStatusCode)status));

    [Fact]
    public void Map_UnknownCodeInAStream_IsUpstreamFailed() => Assert.Equal(ErrorCode.UpstreamFailed, CozeErrors.Map(new CozeRefusal(4033, "x"), null));

    [Theory]
    [InlineData(4029, "Your free quota has been used up", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData(4030, "您的免费额度已用完", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData(4031, "Insufficient points, please top up", ErrorCode.UpstreamQuotaExceeded)]
    [InlineData(4032, "Rate limit reached for this model", ErrorCode.UpstreamRateLimited)]
    [InlineData(4033, "请求频率过高", ErrorCode.UpstreamRateLimited)]
    [InlineData(4034, "input exceeds the context length", ErrorCode.ContextLengthExceeded)]
    [InlineData(4035, "the answer contains sensitive information", ErrorCode.ContentFiltered)]
    [InlineData(4109, "The access token is expired", ErrorCode.UpstreamUnauthorized)]
    [InlineData(4103, "denied", ErrorCode.UpstreamForbidden)]
    [InlineData(4036, "bot 7 has not been published", ErrorCode.UpstreamForbidden)]
    [InlineData(4037, "the workflow does not exist", ErrorCode.UpstreamNotFound)]
    [InlineData(4038, "当前会话正在处理中", ErrorCode.UpstreamBusy)]
    [InlineData(4039, "model timeout", ErrorCode.UpstreamTimeout)]
    [InlineData(4217, "resource", ErrorCode.UpstreamNotFound)]
    [InlineData(4309, "x", ErrorCode.FileRejected)]
    [InlineData(5217, "x", ErrorCode.UpstreamFailed)]
    [InlineData(700012014, "x", ErrorCode.UpstreamUnauthorized)]
    [InlineData(720702222, "x", ErrorCode.UpstreamFailed)]
    public void Map_UnknownCode_IsClassifiedByItsWordsAndThenItsRange(long code, string message, ErrorCode expected) =>
        Assert.Equal(expected, CozeErrors.Map(new CozeRefusal(code, message), HttpStatusCode.OK));

    [Fact]
    public void Map_UnknownCode_IsCounted()
    {
        var counted = new List<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "cozecluster.coze.unknown_codes") self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            var labels = tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}");
            lock (counted) counted.Add(string.Join(' ', labels));
        });
        listener.Start();

        CozeErrors.Map(new CozeRefusal(4987, "free quota used up"), null);
        CozeErrors.Map(new CozeRefusal(4011, "known"), null);

        lock (counted) Assert.Single(counted, "coze_code=4987 code=upstream_quota_exceeded");
        lock (counted) Assert.DoesNotContain(counted, labels => labels.Contains("4011", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("The token you provided is invalid or expired", ErrorCode.UpstreamUnauthorized, RecoveryAction.RotateAccount)]
    [InlineData("authentication failed: bad token", ErrorCode.UpstreamUnauthorized, RecoveryAction.RotateAccount)]
    [InlineData("You do not have permission to use this bot", ErrorCode.UpstreamForbidden, RecoveryAction.CoolBot)]
    [InlineData("Your token lacks the permission Connector.botChat", ErrorCode.UpstreamForbidden, RecoveryAction.CoolBot)]
    [InlineData(null, ErrorCode.UpstreamForbidden, RecoveryAction.CoolBot)]
    public void ToError_4101_IsATokenOrAPermissionByItsText(string? message, ErrorCode expected, RecoveryAction action)
    {
        var error = CozeErrors.ToError(new CozeRefusal(4101, message));

        Assert.Equal((expected, action), (error.Code, error.RecoveryAction));
        Assert.Equal(action, error.ToException().ToError().RecoveryAction);
    }

    [Theory]
    [InlineData(4015, RecoveryAction.CoolBot)]
    [InlineData(4102, RecoveryAction.RotateAccount)]
    [InlineData(4002, RecoveryAction.GiveUp)]
    [InlineData(4006, RecoveryAction.CoolBot)]
    public void ToError_FaultOfABot_RestsNotItsAccount(long code, RecoveryAction expected) =>
        Assert.Equal(expected, CozeErrors.ToError(new CozeRefusal(code, "x")).RecoveryAction);

    [Theory]
    [InlineData("invalid_request", ErrorCode.UpstreamUnauthorized)]
    [InlineData("invalid_client", ErrorCode.UpstreamUnauthorized)]
    [InlineData("unsupported_grant_type", ErrorCode.UpstreamUnauthorized)]
    [InlineData("access_deny", ErrorCode.UpstreamUnauthorized)]
    [InlineData("internal_error", ErrorCode.UpstreamFailed)]
    public void Map_OAuthError_UsesItsName(string error, ErrorCode expected) =>
        Assert.Equal(expected, CozeErrors.Map(new CozeRefusal(null, "x", error), HttpStatusCode.BadRequest));

    [Theory]
    [InlineData("""{"code":4006,"msg":"bot unknown","detail":{"logid":"L"}}""", 4006L, "bot unknown", null, "L")]
    [InlineData("""{"code":"4006","msg":"bot unknown"}""", 4006L, "bot unknown", null, "header")]
    [InlineData("""{"code":4006,"message":"bot unknown"}""", 4006L, "bot unknown", null, "header")]
    [InlineData("""{"error_code":"invalid_client","error_message":"no","error":"bad"}""", null, "no", "invalid_client", "header")]
    [InlineData("""{"error_code":5000,"error_message":"no"}""", 5000L, "no", null, "header")]
    [InlineData("""{"error":{"code":4011,"message":"no balance"}}""", 4011L, "no balance", null, "header")]
    [InlineData("""{"error":"oops"}""", null, null, "oops", "header")]
    [InlineData("""{"code":0,"msg":""}""", 0L, "", null, "header")]
    [InlineData("[1]", null, null, null, "header")]
    [InlineData("\"text\"", null, null, null, "header")]
    public void Parse_EveryForm_IsRead(string json, long? code, string? message, string? oauth, string? logId) => Assert.Equal(
        new CozeRefusal(code, message, oauth, logId), CozeRefusal.Parse(LenientJson.TryParse(Encoding.UTF8.GetBytes(json))!.Value, "header"));

    [Fact]
    public void ToError_ContainsCodeMessageAndLogId()
    {
        var error = CozeErrors.ToError(new CozeRefusal(4011, "The account is out of balance", LogId: "2024LOG"), HttpStatusCode.OK);

        Assert.Equal(ErrorCode.UpstreamQuotaExceeded, error.Code);
        Assert.Equal("Coze says: The account is out of balance (code 4011, logid 2024LOG)", error.Message);
        Assert.Null(error.Until);
        Assert.Equal("Coze returned an error (HTTP 502)", CozeErrors.ToError(new CozeRefusal(null, null), HttpStatusCode.BadGateway).Message);
    }

    [Fact]
    public void Clean_TokensAndControlCharacters_AreRemoved()
    {
        Assert.Equal("token (token) is wrong", UpstreamText.Clean("token pat_AbC-123_x is wrong"));
        Assert.Equal("(token), (token)", UpstreamText.Clean("Bearer abcdef.g czs_0123456789").Replace(") (", "), ("));
        Assert.Equal("jwt (token)!", UpstreamText.Clean("jwt eyJhbGciOi.eyJpc3M.c2ln!"));
        Assert.Equal("it is (token)", UpstreamText.Clean("it is strangeSecret", "strangeSecret"));
        Assert.Equal("one two three", UpstreamText.Clean("  one\r\n two\t\0three "));
        Assert.Equal("", UpstreamText.Clean(null));
        Assert.Equal(301, UpstreamText.Clean(new string('x', 5_000)).Length);
        Assert.False(char.IsHighSurrogate(UpstreamText.Clean(new string('x', 299) + "🚀" + new string('y', 99))[^2]));
    }

    /// <summary>The table of errors in <c>docs/coze.md</c> equals the one in the code.</summary>
    [Fact]
    public void Documentation_EveryCode_IsInItsRow()
    {
        var documented = new Dictionary<long, string>();
        foreach (var row in Row().Matches(Document()).Select(match => match.Groups))
        {
            foreach (Match codes in Codes().Matches(row[1].Value))
            {
                var first = long.Parse(codes.Groups[1].Value);
                var last = codes.Groups[2].Success ? long.Parse(codes.Groups[2].Value) : first;
                for (var code = first; code <= last; code++) documented.Add(code, row[2].Value);
            }
        }

        Assert.Equal(
            CozeErrors.KnownCodes.Order().Select(code => (code, ErrorTable.Of(CozeErrors.Map(new CozeRefusal(code, null), null)).OpenAiCode)),
            documented.OrderBy(pair => pair.Key).Select(pair => (pair.Key, (string?)pair.Value)));
    }

    private static string Document() => File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "coze.md"));

    [GeneratedRegex(@"^\| (\d[^|]*) \| `(\w+)` \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"(\d+)(?:–(\d+))?")]
    private static partial Regex Codes();
}

using CozeCluster.Upstreams.Gemini;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Upstreams.Tests;

/// <summary>A Gemini upstream with its dependencies, and turns to send with it.</summary>
internal sealed class GeminiRig : IDisposable
{
    public GeminiRig(string baseUrl = "http://127.0.0.1:1", TimeProvider? time = null, string key = "gemini-sandbox-key")
    {
        Account = new AccountDefinition { Id = "acc", Upstream = "gemini", BaseUrl = baseUrl, Token = Seal.Seal(key) };
        Upstream = new GeminiUpstream(Seal, Blobs, Fetcher, time ?? TimeProvider.System, NullLogger<GeminiUpstream>.Instance);
    }

    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    public TestSeal Seal { get; } = new();
    public TestBlobs Blobs { get; } = new();
    public TestFetcher Fetcher { get; } = new();
    public GeminiUpstream Upstream { get; }
    public AccountDefinition Account { get; set; }

    public BotDefinition Bot { get; set; } = new() { Id = "bot", Upstream = "gemini", UpstreamBotId = "gemini-2.5-flash", Accounts = ["acc"] };

    public UpstreamTurn Turn(params ChatMessage[] messages) => new("turn_1", Bot, Account, "tenant:user", messages) { TenantId = "t" };

    public UpstreamTurn Turn(string prompt) => Turn(CozeRig.User(prompt));

    public void UseModel(string model) => Bot = Bot with { UpstreamBotId = model };

    /// <summary>Sends a turn and reads its reply.</summary>
    public async Task<RecordingSink> Run(UpstreamTurn turn)
    {
        var sink = new RecordingSink();
        await using var exchange = await Upstream.Open(turn, Stop);
        await sink.ReadAll(exchange);
        return sink;
    }

    /// <summary>Sends a turn that is refused.</summary>
    public async Task<ClusterException> OpenThrows(UpstreamTurn turn) =>
        await Assert.ThrowsAsync<ClusterException>(async () => await Upstream.Open(turn, Stop));

    /// <summary>Reads the reply of a whole event stream.</summary>
    public async Task<RecordingSink> Read(string wire, int pieceSize = int.MaxValue)
    {
        var sink = new RecordingSink();
        await using var exchange = Exchange(PiecesStream.Of(wire, pieceSize));
        await sink.ReadAll(exchange);
        return sink;
    }

    public GeminiExchange Exchange(Stream stream) => new(
        Turn("hi"), new EventStream(new HttpResponseMessage(), stream, RequestId: null),
        new GeminiCallIds(TimeProvider.System), Blobs, TimeProvider.System, NullLogger.Instance);

    public void Dispose() => Upstream.Dispose();
}

/// <summary>A fetcher that knows some files.</summary>
internal sealed class TestFetcher : ISafeFetcher
{
    public Dictionary<string, FetchedFile> Files { get; } = [];

    public Task<FetchedFile> Fetch(string url, string mediaType, CancellationToken cancellationToken) => Files.TryGetValue(url, out var file)
        ? Task.FromResult(file)
        : throw new ClusterException(ErrorCode.FetchFailed, "A file of the reply could not be fetched: Its address is not a public one.");
}

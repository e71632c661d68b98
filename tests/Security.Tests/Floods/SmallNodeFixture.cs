namespace CozeCluster.Security.Tests.Floods;

/// <summary>
/// A node whose heap cannot grow beyond a limit, so that a flood that the node keeps ends it. Tests run one after another, because they share the heap.
/// </summary>
public sealed class SmallNodeFixture : IAsyncLifetime
{
    /// <summary>The limit in bytes, in hexadecimal: 384 MB.</summary>
    internal const string HeapLimit = "0x18000000";

    private SandboxNode? _node;
    private int _requests;

    internal HttpClient Http => _node!.Http;

    internal Uri Url => _node!.Node.BaseUrl;

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync(
        (sandbox, _) => new TestFleet().AddIsolatedModel("bot", new Uri(sandbox.BaseUrl, "coze")).ToString(),
        environment: new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = HeapLimit, ["DOTNET_gcServer"] = "0" });

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>Fails unless the node serves an ordinary turn, and has met no error that it did not expect.</summary>
    internal async Task AssertHealthyAsync()
    {
        var reply = await new ChatRequest(Http, null, "bot", $"say=well-{Interlocked.Increment(ref _requests)}").StreamAsync();
        Assert.Equal(($"well-{_requests}", "stop"), (reply.Text, reply.FinishReason));
        Assert.DoesNotContain("OutOfMemory", _node!.Node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("unexpected error", _node.Node.Output, StringComparison.Ordinal);
    }
}

/// <summary>The tests that share the node.</summary>
[CollectionDefinition(nameof(SmallNode))]
public sealed class SmallNode : ICollectionFixture<SmallNodeFixture>;

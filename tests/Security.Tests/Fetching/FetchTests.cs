using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.Upstreams;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Security.Tests.Fetching;

/// <summary>Addresses that clients and bots choose lead the node to no server that is not on the public Internet.</summary>
public sealed class FetchTests : IAsyncLifetime
{
    private SandboxNode? _node;
    private Trap? _trap;

    public async ValueTask InitializeAsync()
    {
        _trap = await Trap.StartAsync(anyAddress: true);
        _node = await SandboxNode.StartWithOneModelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        if (_trap is not null) await _trap.DisposeAsync();
    }

    [Fact]
    public async Task Pictures_in_replies_are_not_fetched_from_private_addresses()
    {
        // Without this, a trap that nobody can reach would count nothing either.
        using var http = new HttpClient();
        await http.GetByteArrayAsync(_trap!.Url, TestTimeout.Token);
        var reached = _trap.Requests;

        var port = _trap.Port;
        string[] addresses =
        [
            $"http://127.0.0.1:{port}", $"http://127.1:{port}", $"http://2130706433:{port}", $"http://0x7f000001:{port}", $"http://0177.0.0.1:{port}",
            $"http://0.0.0.0:{port}", $"http://localhost:{port}", $"http://localhost.:{port}", $"http://LOCALHOST:{port}", $"http://[::1]:{port}",
            $"http://[::]:{port}", $"http://[::ffff:127.0.0.1]:{port}", $"http://[::ffff:7f00:1]:{port}", $"http://[::127.0.0.1]:{port}",
            $"http://[64:ff9b::7f00:1]:{port}", $"http://[2002:7f00:1::]:{port}", $"http://[fe80::1]:{port}", $"http://[fc00::1]:{port}",
            "http://169.254.169.254/latest/meta-data", "http://[fd00:ec2::254]/latest/meta-data", "http://100.100.100.200", "http://10.0.0.1",
            "http://172.16.0.1", "http://192.168.0.1", "http://224.0.0.1", "http://255.255.255.255",
            // A name of this machine that DNS knows, or its list of hosts.
            $"http://{Dns.GetHostName()}:{port}",
            $"http://example.com@127.0.0.1:{port}", $"http://127.0.0.1:{port}#@example.com", $"http://127.0.0.1%2f:{port}",
        ];
        var answers = await Task.WhenAll(addresses.Select(DrawAsync));

        Assert.Equal(
            addresses.Select(address => (address, 502, (string?)"fetch_failed")),
            addresses.Zip(answers, (address, answer) => (address, answer.Status, answer.Error.Text("code"))));
        Assert.Equal(reached, _trap.Requests);
    }

    [Fact]
    public async Task Files_in_prompts_are_not_fetched_at_all()
    {
        var request = _node!.NewRequest("say=seen");
        var url = $"{_trap!.Url}file.png";
        request.Body["messages"]![0]!["content"] = new JsonArray(
            new JsonObject { ["type"] = "text", ["text"] = request.Prompt },
            new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = url } },
            new JsonObject { ["type"] = "file_url", ["file_url"] = new JsonObject { ["url"] = url } });
        var response = await request.CompleteAsync();

        Assert.Equal("seen", response.Text);
        Assert.Equal(0, _trap.Requests);
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://127.0.0.1/")]
    [InlineData("ftp://127.0.0.1/a.png")]
    [InlineData("//127.0.0.1/a.png")]
    [InlineData("javascript:alert(1)")]
    public async Task Other_schemes_are_refused_in_prompts(string url)
    {
        var request = _node!.NewRequest("say=seen");
        request.Body["messages"]![0]!["content"] = new JsonArray(
            new JsonObject { ["type"] = "text", ["text"] = request.Prompt },
            new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = url } });

        Assert.Equal(400, (await request.CompleteAsync()).Status);
        Assert.Empty(request.Chats);
    }

    /// <summary>A public server cannot be part of a test. A node with a sandbox may fetch from loopback, so a server there plays the public one.</summary>
    [Theory]
    [InlineData("http://10.0.0.1/a.png")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("http://[::ffff:169.254.169.254]/")]
    [InlineData("http://[fd00:ec2::254]/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://127.0.0.1/a.png")]
    [InlineData("http://user:password@127.0.0.1/a.png")]
    public async Task A_redirect_leads_no_further_than_an_address_in_a_reply(string target)
    {
        await using var redirecting = await Trap.StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status302Found;
            context.Response.Headers.Location = target;
            return Task.CompletedTask;
        });
        await using var services = new ServiceCollection().AddSafeFetcher(allowLoopback: true).BuildServiceProvider();
        var fetcher = services.GetRequiredService<ISafeFetcher>();

        var error = await Assert.ThrowsAsync<ClusterException>(() => fetcher.Fetch(redirecting.Url.ToString(), "image/", TestTimeout.Token));
        Assert.Equal(ErrorCode.FetchFailed, error.Code);
        Assert.Equal(1, redirecting.Requests);
        // It was refused for its address, and not because nothing answers there.
        Assert.DoesNotContain("reached", error.Message, StringComparison.Ordinal);
    }

    private Task<ApiResponse> DrawAsync(string url) => _node!.Http.RequestJsonAsync(
        HttpMethod.Post, "/v1/images/generations", body: new JsonObject
        {
            ["model"] = "bot", ["prompt"] = $"A cat. [[say=\"![cat]({url}/a.png)\"]]", ["response_format"] = "b64_json",
        });
}

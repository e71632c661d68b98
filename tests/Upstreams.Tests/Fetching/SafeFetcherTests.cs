using CozeCluster.TestKit;
using CozeCluster.Upstreams.Fetching;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Upstreams.Tests.Fetching;

public sealed class SafeFetcherTests : IDisposable
{
    private static readonly byte[] Png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3];

    private readonly SafeFetcher _here = new(TimeProvider.System, allowThisMachine: true);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _here.Dispose();

    [Fact]
    public async Task Fetch_Image_IsWhatTheServerSends()
    {
        await using var server = await WireServer.Start((context, _) => Send(context, "image/png; x=1", Png));

        var file = await _here.Fetch($"{server.BaseUrl}/a.png?sig=1", "image/", Stop);

        Assert.Equal("image/png", file.MediaType);
        Assert.Equal(Png, file.Content.ToArray());
        var asked = Assert.Single(server.Requests);
        Assert.Equal(("GET", "/a.png", "?sig=1", "image/*"), (asked.Method, asked.Path, asked.Query, asked.Headers["accept"]));
    }

    [Theory]
    [InlineData("http://127.0.0.1:{0}/")]
    [InlineData("http://localhost:{0}/")]
    [InlineData("http://[::1]:{0}/")]
    [InlineData("http://[::ffff:127.0.0.1]:{0}/")]
    [InlineData("http://0x7f.1:{0}/")]
    [InlineData("http://2130706433:{0}/")]
    [InlineData("http://0.0.0.0:{0}/")]
    public async Task Fetch_ThisMachineUnlessAllowed_IsRefusedBeforeAnythingIsSent(string url)
    {
        using var fetcher = new SafeFetcher(TimeProvider.System, allowThisMachine: false);
        await using var server = await WireServer.Start("secret", "image/png");

        var refused = await Assert.ThrowsAsync<ClusterException>(() => fetcher.Fetch(string.Format(System.Globalization.CultureInfo.InvariantCulture, url, server.Port), "image/", Stop));

        Assert.Equal((ErrorCode.FetchFailed, "A file of the reply could not be fetched: Its address is not a public one."), (refused.Code, refused.Message));
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("http://0.0.0.0/")]
    public async Task Fetch_PrivateAddress_IsRefusedEvenWhereThisMachineIsAllowed(string url)
    {
        var refused = await Assert.ThrowsAsync<ClusterException>(() => _here.Fetch(url, "image/", Stop));

        Assert.EndsWith("Its address is not a public one.", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("file:///etc/passwd", "Its address is not one of http or https.")]
    [InlineData("ftp://files.example/a.png", "Its address is not one of http or https.")]
    [InlineData("http://me:pass@files.example/a.png", "Its address holds a user name.")]
    [InlineData("a.png", "It has no valid address.")]
    public async Task Fetch_WrongAddress_IsRefused(string url, string why) =>
        Assert.EndsWith(why, (await Assert.ThrowsAsync<ClusterException>(() => _here.Fetch(url, "image/", Stop))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Fetch_Redirects_AreFollowedAndCheckedEach()
    {
        await using var server = await WireServer.Start((context, asked) =>
        {
            var left = int.Parse(asked.Path.TrimStart('/'), System.Globalization.CultureInfo.InvariantCulture);
            if (left == 0) return Send(context, "image/png", Png);
            context.Response.Redirect(left == 100 ? "http://10.0.0.1/" : left == 50 ? "file:///etc/passwd" : $"/{left - 1}");
            return Task.CompletedTask;
        });

        Assert.Equal(Png, (await _here.Fetch($"{server.BaseUrl}/3", "image/", Stop)).Content.ToArray());
        Assert.EndsWith("Its server redirects too often.", await Why($"{server.BaseUrl}/4"), StringComparison.Ordinal);
        Assert.EndsWith("Its address is not a public one.", await Why($"{server.BaseUrl}/100"), StringComparison.Ordinal);
        Assert.EndsWith("Its address is not one of http or https.", await Why($"{server.BaseUrl}/50"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fetch_WrongType_IsRefused()
    {
        await using var server = await WireServer.Start("<html>", "text/html");

        Assert.EndsWith("It is not image/*, but text/html.", await Why(server.BaseUrl), StringComparison.Ordinal);
        Assert.Equal("text/html", (await _here.Fetch(server.BaseUrl, "", Stop)).MediaType);
    }

    [Fact]
    public async Task Fetch_UnnamedType_IsWhatTheBytesSay()
    {
        await using var server = await WireServer.Start((context, asked) => Send(context, "binary/octet-stream", asked.Path == "/png" ? Png : "nothing"u8.ToArray()));

        Assert.Equal("image/png", (await _here.Fetch($"{server.BaseUrl}/png", "image/", Stop)).MediaType);
        Assert.EndsWith("It is not image/*.", await Why($"{server.BaseUrl}/other"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fetch_TooLarge_IsGivenUp(bool announced)
    {
        await using var server = await WireServer.Start(async (context, _) =>
        {
            context.Response.ContentType = "image/png";
            if (announced) context.Response.ContentLength = 21L << 20;
            for (var i = 0; i < 21 && !context.RequestAborted.IsCancellationRequested; i++) await context.Response.Body.WriteAsync(new byte[1 << 20], context.RequestAborted);
        });

        Assert.EndsWith("It is larger than 20 MB.", await Why(server.BaseUrl), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fetch_ErrorStatus_IsTold()
    {
        await using var server = await WireServer.Start("gone", "text/plain", 404);

        Assert.EndsWith("Its server answers with HTTP 404.", await Why(server.BaseUrl), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fetch_Silence_EndsAfterAWhile()
    {
        var time = new ManualTime();
        using var fetcher = new SafeFetcher(time, allowThisMachine: true);
        await using var server = await WireServer.Start((context, _) => Task.Delay(-1, context.RequestAborted));

        var fetching = fetcher.Fetch(server.BaseUrl, "image/", Stop);
        time.Advance(TimeSpan.FromSeconds(31));

        Assert.EndsWith("It took longer than 30 s.", (await Assert.ThrowsAsync<ClusterException>(() => fetching)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fetch_NobodyThere_IsTold() => Assert.EndsWith("Its server could not be reached.", await Why("http://127.0.0.1:1/"), StringComparison.Ordinal);

    private async Task<string> Why(string url) => (await Assert.ThrowsAsync<ClusterException>(() => _here.Fetch(url, "image/", Stop))).Message;

    private static async Task Send(HttpContext context, string type, byte[] content)
    {
        context.Response.ContentType = type;
        await context.Response.Body.WriteAsync(content);
    }
}

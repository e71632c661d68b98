using System.Globalization;
using CozeCluster.TestKit;
using CozeCluster.Upstreams.Shared.Fetching;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Upstreams.Tests.Shared.Fetching;

public sealed class SafeFetcherTests : IDisposable
{
    private static readonly byte[] Png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3];

    private readonly SafeFetcher _fetcher = new(TimeProvider.System, allowLoopback: true);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _fetcher.Dispose();

    [Fact]
    public async Task Fetch_Image_ReturnsTypeAndContent()
    {
        await using var server = await WireServer.Start((context, _) => Send(context, "image/png; x=1", Png));

        var file = await _fetcher.Fetch($"{server.BaseUrl}/a.png?sig=1", "image/", Stop);

        Assert.Equal("image/png", file.MediaType);
        Assert.Equal(Png, file.Content.ToArray());
        var request = Assert.Single(server.Requests);
        Assert.Equal(("GET", "/a.png", "?sig=1", "image/*"), (request.Method, request.Path, request.Query, request.Headers["accept"]));
    }

    [Theory]
    [InlineData("http://127.0.0.1:{0}/")]
    [InlineData("http://localhost:{0}/")]
    [InlineData("http://[::1]:{0}/")]
    [InlineData("http://[::ffff:127.0.0.1]:{0}/")]
    [InlineData("http://0x7f.1:{0}/")]
    [InlineData("http://2130706433:{0}/")]
    [InlineData("http://0.0.0.0:{0}/")]
    public async Task Fetch_LoopbackUnlessAllowed_IsRefusedBeforeSending(string url)
    {
        using var fetcher = new SafeFetcher(TimeProvider.System, allowLoopback: false);
        await using var server = await WireServer.Start("secret", "image/png");

        url = url.Replace("{0}", server.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<ClusterException>(() => fetcher.Fetch(url, "image/", Stop));

        Assert.Equal((ErrorCode.FetchFailed, "A file of the reply could not be fetched: Its address is not a public one."), (error.Code, error.Message));
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("http://0.0.0.0/")]
    public async Task Fetch_PrivateAddress_IsRefusedEvenIfLoopbackIsAllowed(string url)
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => _fetcher.Fetch(url, "image/", Stop));

        Assert.EndsWith("Its address is not a public one.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("file:///etc/passwd", "Its URL does not begin with http:// or https://.")]
    [InlineData("ftp://files.example/a.png", "Its URL does not begin with http:// or https://.")]
    [InlineData("http://me:pass@files.example/a.png", "Its URL contains a user name.")]
    [InlineData("a.png", "Its URL is not valid.")]
    public async Task Fetch_InvalidUrl_IsRefused(string url, string reason) =>
        Assert.EndsWith(reason, (await Assert.ThrowsAsync<ClusterException>(() => _fetcher.Fetch(url, "image/", Stop))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Fetch_Redirects_AreFollowedAndChecked()
    {
        await using var server = await WireServer.Start((context, request) =>
        {
            var left = int.Parse(request.Path.TrimStart('/'), CultureInfo.InvariantCulture);
            if (left == 0) return Send(context, "image/png", Png);
            context.Response.Redirect(left == 100 ? "http://10.0.0.1/" : left == 50 ? "file:///etc/passwd" : $"/{left - 1}");
            return Task.CompletedTask;
        });

        Assert.Equal(Png, (await _fetcher.Fetch($"{server.BaseUrl}/3", "image/", Stop)).Content.ToArray());
        Assert.EndsWith("Its server redirects more than 3 times.", await FetchThrows($"{server.BaseUrl}/4"), StringComparison.Ordinal);
        Assert.EndsWith("Its address is not a public one.", await FetchThrows($"{server.BaseUrl}/100"), StringComparison.Ordinal);
        Assert.EndsWith("Its URL does not begin with http:// or https://.", await FetchThrows($"{server.BaseUrl}/50"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fetch_WrongType_IsRefused()
    {
        await using var server = await WireServer.Start("<html>", "text/html");

        Assert.EndsWith("Its type is text/html and not image/*.", await FetchThrows(server.BaseUrl), StringComparison.Ordinal);
        Assert.Equal("text/html", (await _fetcher.Fetch(server.BaseUrl, "", Stop)).MediaType);
    }

    [Fact]
    public async Task Fetch_GenericType_IsDetectedFromTheContent()
    {
        await using var server = await WireServer.Start((context, request) =>
            Send(context, "binary/octet-stream", request.Path == "/png" ? Png : "nothing"u8.ToArray()));

        Assert.Equal("image/png", (await _fetcher.Fetch($"{server.BaseUrl}/png", "image/", Stop)).MediaType);
        Assert.EndsWith(
            "Its type is binary/octet-stream and not image/*.", await FetchThrows($"{server.BaseUrl}/other"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fetch_WrongType_IsNamedByTheContent()
    {
        await using var server = await WireServer.Start((context, request) =>
            Send(context, request.Path == "/png" ? "image/jpeg" : "image/png", request.Path == "/png" ? Png : "  <html>"u8.ToArray()));

        Assert.Equal("image/png", (await _fetcher.Fetch($"{server.BaseUrl}/png", "image/", Stop)).MediaType);
        Assert.EndsWith("Its type is text/html and not image/*.", await FetchThrows($"{server.BaseUrl}/page"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fetch_TooLarge_IsRefused(bool announced)
    {
        await using var server = await WireServer.Start(async (context, _) =>
        {
            context.Response.ContentType = "image/png";
            if (announced) context.Response.ContentLength = 21L << 20;
            for (var i = 0; i < 21 && !context.RequestAborted.IsCancellationRequested; i++)
                await context.Response.Body.WriteAsync(new byte[1 << 20], context.RequestAborted);
        });

        Assert.EndsWith("It is larger than 20 MB.", await FetchThrows(server.BaseUrl), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fetch_ErrorStatus_IsReported()
    {
        await using var server = await WireServer.Start("gone", "text/plain", 404);

        Assert.EndsWith("Its server answered with HTTP 404.", await FetchThrows(server.BaseUrl), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fetch_Silence_TimesOut()
    {
        var time = new ManualTime();
        using var fetcher = new SafeFetcher(time, allowLoopback: true);
        await using var server = await WireServer.Start((context, _) => Task.Delay(-1, context.RequestAborted));

        var fetching = fetcher.Fetch(server.BaseUrl, "image/", Stop);
        time.Advance(TimeSpan.FromSeconds(31));

        Assert.EndsWith("It took longer than 30 s.", (await Assert.ThrowsAsync<ClusterException>(() => fetching)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fetch_UnreachableServer_IsReported() =>
        Assert.EndsWith("Its server could not be reached.", await FetchThrows("http://127.0.0.1:1/"), StringComparison.Ordinal);

    private async Task<string> FetchThrows(string url) => (await Assert.ThrowsAsync<ClusterException>(() => _fetcher.Fetch(url, "image/", Stop))).Message;

    private static async Task Send(HttpContext context, string type, byte[] content)
    {
        context.Response.ContentType = type;
        await context.Response.Body.WriteAsync(content);
    }
}

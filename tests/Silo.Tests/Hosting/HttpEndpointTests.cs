using System.Net;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class HttpEndpointTests
{
    [Theory]
    [InlineData("http://127.0.0.1:7077", "127.0.0.1", 7077, false)]
    [InlineData("https://0.0.0.0:7443/", "0.0.0.0", 7443, true)]
    [InlineData("http://LOCALHOST:0", "127.0.0.1", 0, false)]
    [InlineData("http://[::1]:80", "::1", 80, false)]
    [InlineData("https://*:7443", null, 7443, true)]
    [InlineData("http://+", null, 80, false)]
    public void Parse_Address_IsRead(string url, string? address, int port, bool https)
    {
        var parsed = HttpEndpoint.Parse(url)!;

        Assert.Equal((address is null ? null : IPAddress.Parse(address), port, https), (parsed.Address, parsed.Port, parsed.IsHttps));
    }

    [Theory]
    [InlineData("")]
    [InlineData("7077")]
    [InlineData("localhost:7077")]
    [InlineData("ftp://127.0.0.1")]
    [InlineData("http://example.com:80")]
    [InlineData("http://127.0.0.1:99999")]
    [InlineData("http://127.0.0.1:7077/path")]
    [InlineData("http://unix:/tmp/socket")]
    public void Parse_Other_IsRefused(string url) => Assert.Null(HttpEndpoint.Parse(url));
}

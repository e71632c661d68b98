using System.Net.Http.Headers;
using System.Text.Json;

namespace CozeCluster.Security.Tests.Floods;

/// <summary>Hostile bodies get an error that says what is wrong with them, and cost a bounded amount of memory, also when several arrive at once.</summary>
[Collection(nameof(SmallNode))]
public sealed class BodyTests(SmallNodeFixture node)
{
    private const int AtOnce = 6;

    public static TheoryData<string> Bodies => [.. HostileBodies.All.Keys];

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_hostile_body_gets_an_error(string name)
    {
        var hostile = HostileBodies.All[name];
        var bytes = new MemoryStream();
        hostile.Write(bytes);
        var content = bytes.ToArray();

        // A tenant has room for two of the largest bodies. Further ones are refused with 429 or 503.
        var errors = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => SendAsync(content, hostile)));

        int[] allowed = content.Length > 1 << 20 ? [.. hostile.Statuses, 429, 503] : hostile.Statuses;
        Assert.All(errors, error => Assert.Contains(error.Status, allowed));
        Assert.Contains(errors, error => hostile.Statuses.Contains(error.Status));
        foreach (var error in errors.Where(error => hostile.Param is not null && hostile.Statuses.Contains(error.Status)))
            Assert.Equal(hostile.Param, error.Param);
        await node.AssertHealthyAsync();
    }

    private async Task<(int Status, string? Param)> SendAsync(byte[] body, HostileBody hostile)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new ByteArrayContent(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestFleet.Key);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (hostile.Encoding is { } encoding) request.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        using var response = await node.Http.SendAsync(request, TestTimeout.Token);
        var text = await response.Content.ReadAsStringAsync(TestTimeout.Token);
        var error = JsonDocument.Parse(text).RootElement.GetProperty("error");
        Assert.NotEmpty(error.Text("message")!);
        Assert.NotEmpty(error.Text("type")!);
        return ((int)response.StatusCode, error.Text("param"));
    }
}

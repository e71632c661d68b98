using System.Net;
using System.Text;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Embeddings;

/// <summary>Embeddings and moderations: the request is checked, and a grain does the rest.</summary>
public sealed class ModelTasksTests
{
    [Fact]
    public async Task Embeddings_ValidRequest_PassesItsFieldsAndTheAnswer()
    {
        await using var host = await GatewayHost.Start();
        using var response = await Ask(host, "embeddings", """
            {"model":"vectors","input":["a","b"],"encoding_format":"base64","dimensions":3,"user":"u1","model_version":"ignored","x":1}
            """);

        Assert.Equal((HttpStatusCode.OK, """{"data":[]}"""), (response.StatusCode, await response.Content.ReadAsStringAsync()));
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        var request = Assert.Single(host.Grains.ModelTasks.Requests);
        Assert.Equal((ModelTask.Embeddings, "vectors", "acme", "u1", "test"), (request.Task, request.Model, request.TenantId, request.User, request.KeyName));
        Assert.Equal("""{"input":["a","b"],"encoding_format":"base64","dimensions":3}""", Encoding.UTF8.GetString(request.Body));
        Assert.Equal(request.TurnId, response.ReadTurnId());
        Assert.Null(request.Credential);
    }

    [Fact]
    public async Task Moderations_TextsAndImages_ArePassed()
    {
        await using var host = await GatewayHost.Start();
        const string Input = """[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]""";
        using var response = await Ask(host, "moderations", $$"""{"model":"checks","input":{{Input}}}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal($$"""{"input":{{Input}}}""", Encoding.UTF8.GetString(Assert.Single(host.Grains.ModelTasks.Requests).Body));
    }

    [Theory]
    [InlineData("embeddings", """{"input":"a"}""", "model")]
    [InlineData("embeddings", """{"model":"vectors"}""", "input")]
    [InlineData("embeddings", """{"model":"vectors","input":""}""", "input")]
    [InlineData("embeddings", """{"model":"vectors","input":[]}""", "input")]
    [InlineData("embeddings", """{"model":"vectors","input":{}}""", "input")]
    [InlineData("embeddings", """{"model":"vectors","input":["a",""]}""", "input[1]")]
    [InlineData("embeddings", """{"model":"vectors","input":["a",null]}""", "input[1]")]
    [InlineData("embeddings", """{"model":"vectors","input":[1,-2]}""", "input[1]")]
    [InlineData("embeddings", """{"model":"vectors","input":[[1],[]]}""", "input[1]")]
    [InlineData("embeddings", """{"model":"vectors","input":"\ud800"}""", "input")]
    [InlineData("embeddings", """{"model":"vectors","input":"a","encoding_format":"int8"}""", "encoding_format")]
    [InlineData("embeddings", """{"model":"vectors","input":"a","dimensions":0}""", "dimensions")]
    [InlineData("embeddings", """{"model":"vectors","input":"a","user":7}""", "user")]
    [InlineData("embeddings", """{"model":"bot","input":"a"}""", "model")]
    [InlineData("embeddings", """{"model":"gpt","input":"a"}""", "model")]
    [InlineData("embeddings", """{"model":"checks","input":"a"}""", "model")]
    [InlineData("moderations", """{"model":"vectors","input":"a"}""", "model")]
    [InlineData("moderations", """{"model":"checks","input":[{"type":"video"}]}""", "input[0].type")]
    [InlineData("moderations", """{"model":"checks","input":[{"type":"image_url","image_url":{}}]}""", "input[0].image_url.url")]
    [InlineData("moderations", """{"model":"checks","input":[7]}""", "input[0]")]
    public async Task A_wrong_field_is_named(string route, string body, string param)
    {
        await using var host = await GatewayHost.Start();
        using var response = await Ask(host, route, body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(param, (await response.ReadError()).GetProperty("param").GetString());
        Assert.Empty(host.Grains.ModelTasks.Requests);
    }

    [Fact]
    public async Task Chat_and_images_refuse_a_model_for_another_task()
    {
        await using var host = await GatewayHost.Start();
        using var chat = await host.Chat("""{"model":"vectors","messages":[{"role":"user","content":"Hi"}]}""");
        using var images = await Ask(host, "images/generations", """{"model":"vectors","prompt":"a cat"}""");

        foreach (var response in new[] { chat, images })
        {
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal("model", (await response.ReadError()).GetProperty("param").GetString());
        }
        Assert.Empty(host.Grains.Conversations);
    }

    [Fact]
    public async Task An_unknown_model_and_a_large_body_are_refused()
    {
        await using var host = await GatewayHost.Start();
        using var unknown = await Ask(host, "embeddings", """{"model":"none","input":"a"}""");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        using var large = await Ask(host, "embeddings", $$"""{"model":"vectors","input":"{{new string('a', 9 << 20)}}"}""");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        Assert.Empty(host.Grains.ModelTasks.Requests);
    }

    [Fact]
    public async Task An_error_of_the_grain_is_rendered()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.ModelTasks.Answer = _ => throw new ClusterException(ErrorCode.UpstreamRateLimited, "Later.");
        using var response = await Ask(host, "embeddings", """{"model":"vectors","input":"a"}""");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal("rate_limit_exceeded", (await response.ReadError()).GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("embeddings", "vectors", false)]
    [InlineData("embeddings", "vectors", true)]
    [InlineData("moderations", "checks", false)]
    [InlineData("moderations", "checks", true)]
    public async Task Answers_and_refusals_have_what_is_left_of_limits(string route, string model, bool isRefused)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Fleet.TenantLimits = new LimitsDefinition { RequestsPerMinute = 60 };
        host.Grains.ModelTasks.Answer = _ => Task.FromResult(new ModelTaskResult("{}"u8.ToArray())
        {
            Error = isRefused ? new Error(ErrorCode.QuotaExceeded, "The budget is used up.") : null,
            Rates = new RateStatus(new RateLeft(60, 59, TimeSpan.FromSeconds(1)), null),
        });

        using var response = await Ask(host, route, $$"""{"model":"{{model}}","input":"a"}""");

        Assert.Equal(isRefused ? HttpStatusCode.TooManyRequests : HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("59", Assert.Single(response.Headers.GetValues("x-ratelimit-remaining-requests")));
        Assert.True(Assert.Single(host.Grains.ModelTasks.Requests).ReturnsErrors);
    }

    [Fact]
    public async Task A_client_that_leaves_cancels_its_request()
    {
        await using var host = await GatewayHost.Start();
        var cancelled = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        host.Grains.ModelTasks.Answer = async token =>
        {
            asked.SetResult();
            await using var _ = token.Register(cancelled.SetResult);
            await Task.Delay(Timeout.Infinite, token);
            throw new InvalidOperationException();
        };
        using var client = new CancellationTokenSource();
        var sent = host.Http.PostAsync("/v1/embeddings", GatewayHost.Json("""{"model":"vectors","input":"a"}"""), client.Token);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sent);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static Task<HttpResponseMessage> Ask(GatewayHost host, string route, string body) => host.Http.PostAsync($"/v1/{route}", GatewayHost.Json(body));
}

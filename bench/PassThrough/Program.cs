// A proxy of minimum cost, which only forwards bytes. It sends each POST /v1/chat/completions unchanged to the upstream, and the response unchanged to the
// client, with a flush after every read.
using System.Net;
using System.Net.Http.Headers;

if (args is not [var port, var target]
    || !Uri.TryCreate(target, UriKind.Absolute, out var upstream)
    || !IPAddress.TryParse(upstream.Host, out var host)
    || !IPAddress.IsLoopback(host))
{
    Console.Error.WriteLine("PassThrough PORT http://127.0.0.1:PORT/PATH");
    return 2;
}

using var http = new HttpMessageInvoker(new SocketsHttpHandler
{
    ActivityHeadersPropagator = null,
    AllowAutoRedirect = false,
    UseCookies = false,
    UseProxy = false,
});

var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    kestrel.Listen(IPAddress.Loopback, int.Parse(port, System.Globalization.CultureInfo.InvariantCulture));
});
await using var app = builder.Build();
app.Run(ForwardAsync);
await app.StartAsync();
Console.WriteLine("listening");
await app.WaitForShutdownAsync();
return 0;

async Task ForwardAsync(HttpContext context)
{
    if (context.Request.Path != "/v1/chat/completions")
    {
        context.Response.StatusCode = 404;
        return;
    }

    using var request = new HttpRequestMessage(HttpMethod.Post, upstream) { Content = new StreamContent(context.Request.Body) };
    request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
    request.Content.Headers.ContentLength = context.Request.ContentLength;
    request.Headers.TryAddWithoutValidation("Authorization", context.Request.Headers.Authorization.ToString());

    using var response = await http.SendAsync(request, context.RequestAborted);
    context.Response.StatusCode = (int)response.StatusCode;
    context.Response.ContentType = response.Content.Headers.ContentType?.ToString();

    await using var body = await response.Content.ReadAsStreamAsync(context.RequestAborted);
    var output = context.Response.BodyWriter;
    while (await body.ReadAsync(output.GetMemory(2048), context.RequestAborted) is > 0 and var length)
    {
        output.Advance(length);
        await output.FlushAsync(context.RequestAborted);
    }
}

using System.Net;
using System.Runtime.InteropServices;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Claude;
using CozeCluster.Sandbox.Gemini;
using CozeCluster.Sandbox.OpenAi;

var settings = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build();
var listen = new Uri(settings["urls"] ?? $"http://127.0.0.1:{settings["PORT"] ?? "7078"}");

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

await using var server = await SandboxServer.StartAsync(
    new SandboxOptions
    {
        Address = IPAddress.TryParse(listen.Host, out var address) ? address : IPAddress.Loopback,
        Port = listen.Port,
        EchoPace = TimeSpan.FromMilliseconds(40),
    },
    stop.Token);

const string exampleBody =
    """{"bot_id":"7350000000000000001","user_id":"me","stream":true,"additional_messages":[{"role":"user","content":"Hello [[pace=50ms]]"}]}""";
Console.WriteLine($$"""
    Sandbox listening on {{server.BaseUrl}}
      Coze     {{server.BaseUrl}}coze  (token pat_sandbox, bot 7350000000000000001)
      Discord  {{server.BaseUrl}}discord  (tokens at {{server.BaseUrl}}discord/sandbox/seeds)
      Claude   {{server.BaseUrl}}claude  (key {{FakeClaude.Key}})
      Gemini   {{server.BaseUrl}}gemini  (key {{FakeGemini.Key}})
      OpenAI   {{server.BaseUrl}}openai/v1  (token {{FakeOpenAi.Token}}, model {{FakeOpenAi.Model}})

    curl -N {{server.BaseUrl}}coze/v3/chat -H 'Authorization: Bearer pat_sandbox' -H 'Content-Type: application/json' -d '{{exampleBody}}'
    """);
await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

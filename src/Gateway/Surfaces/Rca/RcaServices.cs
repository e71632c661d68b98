using CozeCluster.Gateway.Compat;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Rca;

/// <summary>Adds the services of Real-Coze-API.</summary>
internal static class RcaServices
{
    public static IServiceCollection AddRealCozeApi(this IServiceCollection services) => services
        .AddSingleton<RcaTurns>()
        .AddSingleton<RcaSockets>()
        .AddSingleton<RcaApi>()
        .AddKeyedSingleton<IErrorShape, RcaErrorShape>(CompatMode.Rca);
}
